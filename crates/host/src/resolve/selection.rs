//! Which of those that match are taken.

use std::collections::BTreeSet;

use rand::{SeedableRng, seq::index};
use rand_chacha::ChaCha8Rng;
use steadfast_model::{Percent, target::Selection};

/// More than these at once are refused: whoever means them all means something else.
const MOST: usize = 1_000;
/// So many are named in a message.
const SHOWN: usize = 8;

/// Those that are taken of all that match, in their order.
///
/// # Errors
/// In words: what does not fit, and what to try.
pub(super) fn select<T>(
    found: Vec<T>,
    by: (Option<Selection>, Option<u64>),
    name: impl Fn(&T) -> String,
) -> Result<Vec<T>, (String, &'static str)> {
    let chosen = choose(by, found.len()).map_err(|why| {
        let shown: Vec<String> = found.iter().take(SHOWN).map(name).collect();
        let more = if found.len() > SHOWN { ", …" } else { "" };
        let hint =
            "name the one you mean, or add select: all, one, { count: 2 }, { percent: 50% } or { max: 3 }";
        (format!("{why}: {}{more}", shown.join(", ")), hint)
    })?;
    if chosen.len() > MOST {
        let message = format!("{} match, and at most {MOST} are disturbed at once", chosen.len());
        return Err((message, "describe them more closely, or add select: { max: 100 }"));
    }
    let keep = |(place, one)| chosen.contains(&place).then_some(one);
    Ok(found.into_iter().enumerate().filter_map(keep).collect())
}

/// The places that are taken of so many that match.
fn choose((select, seed): (Option<Selection>, Option<u64>), count: usize) -> Result<BTreeSet<usize>, String> {
    let wanted = match select {
        None if count == 1 => 1,
        None => return Err(format!("{count} match")),
        Some(Selection::All) => count,
        Some(Selection::One) => 1,
        Some(Selection::Count(wanted)) => {
            let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
            if wanted > count {
                return Err(format!("{wanted} are wanted and {count} match"));
            }
            wanted
        }
        Some(Selection::Percent(share)) => share_of(share, count),
        Some(Selection::Max(most)) => count.min(usize::try_from(most).unwrap_or(usize::MAX)),
    };
    let mut chance = ChaCha8Rng::seed_from_u64(seed.unwrap_or_default());
    Ok(index::sample(&mut chance, count, wanted).into_iter().collect())
}

/// Rounded up, so that a small share of a few is one.
fn share_of(share: Percent, count: usize) -> usize {
    let exact = share.fraction() * f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    // Percentages are no binary fractions: 10 % of 30 are 3, whatever is left in the last digit.
    let up = libm::ceil(exact - 1e-9);
    (0..=count).find(|&number| f64::from(u32::try_from(number).unwrap_or(u32::MAX)) >= up).unwrap_or(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(select: Selection, seed: u64, count: usize) -> Vec<usize> {
        choose((Some(select), Some(seed)), count).unwrap().into_iter().collect()
    }

    #[test]
    fn as_many_are_chosen_as_selected() {
        let half = Selection::Percent(Percent::new(50.0).unwrap());
        for (select, count, expected) in [
            (Selection::All, 3, 3),
            (Selection::One, 3, 1),
            (Selection::Count(2), 3, 2),
            (Selection::Max(2), 3, 2),
            (Selection::Max(9), 3, 3),
            (half, 3, 2),
            (half, 4, 2),
            (Selection::Percent(Percent::new(0.1).unwrap()), 3, 1),
            (Selection::Percent(Percent::new(10.0).unwrap()), 30, 3),
            (Selection::Percent(Percent::ALL), 1, 1),
        ] {
            assert_eq!(chosen(select, 1, count).len(), expected, "{select:?} of {count}");
        }
        assert!(choose((Some(Selection::Count(4)), Some(1)), 3).is_err());
        assert!(choose((None, None), 2).is_err());
        assert_eq!(choose((None, None), 1).unwrap().len(), 1);
    }

    #[test]
    fn a_seed_makes_the_choice_and_every_place_has_its_chance() {
        assert_eq!(chosen(Selection::Count(3), 42, 100), chosen(Selection::Count(3), 42, 100));
        let ever: BTreeSet<usize> = (0..200).flat_map(|seed| chosen(Selection::One, seed, 5)).collect();
        assert_eq!(ever.len(), 5);
    }
}

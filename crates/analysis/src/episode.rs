//! When harm began and when it ended: change points, each with an interval.
//!
//! One stretch of intervals `[begin, end)` has a higher rate of bad events than the rest. Of all stretches the likeliest
//! is taken, by the Poisson likelihood `bad ln(high / low) - total (high - low)` of the stretch. For a given ratio the
//! stretch with the largest sum is found in one pass; ratios are tried on a grid and then fitted. An interval of a
//! change point holds all places at which twice the logarithm of the likelihood falls short of the largest by at most
//! 3.84 (the 95 % quantile of chi-squared with one degree of freedom, Wilks), divided by the dispersion. For change points that
//! is approximate: simulated, intervals hold the truth in 86 to 100 % of runs.

use serde::{Deserialize, Serialize};

use crate::arithmetic::ln;
use crate::{Counts, Interval, Tally};

/// Ratios that are tried first.
const RATIOS: [f64; 8] = [1.3, 2.0, 3.0, 5.0, 10.0, 30.0, 100.0, 1_000.0];
/// Twice the logarithm of a likelihood may fall short of the largest by this much.
const WITHIN: f64 = 3.84;
/// Harm is shown when the likelihood ratio exceeds this many times the number of intervals.
const SHOWN: f64 = 100.0;
/// Most rounds of fitting; it settles after two or three.
const ROUNDS: usize = 8;

/// A moment, in seconds from the first interval looked at, and the interval it lies in with about 95 %.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Moment {
    /// The likeliest.
    pub seconds: f64,
    /// Not before this.
    pub low: f64,
    /// Not after this. Nothing: it may be still to come.
    pub high: Option<f64>,
}

/// A stretch of time with more bad events than before and after.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Episode {
    /// When it began.
    pub began: Moment,
    /// When it ended; nothing when it lasts to the end of what was seen.
    pub ended: Option<Moment>,
    /// Share of bad events meanwhile.
    pub rate: f64,
}

/// The likeliest stretch of harm in `counts`, given what was usual before and the dispersion `phi`. Nothing when no
/// harm is shown. Gaps and silent intervals say nothing.
#[must_use]
pub fn episode(counts: &Counts, baseline: Tally, interval: Interval, phi: f64) -> Option<Episode> {
    if baseline.total <= 0.0 {
        return None;
    }
    let entries: Vec<Tally> = counts.entries().map(Option::unwrap_or_default).collect();
    let sums = Sums::of(&entries);
    // Half an event, where none was seen: that none can happen is not known.
    let low = (baseline.bad.max(0.5) / baseline.total).min(1.0);
    let tried = RATIOS.iter().map(|&ratio| {
        let stretch = largest(&entries, low, (low * ratio).min(1.0));
        (sums.gain(stretch, low), stretch)
    });
    let (_, mut stretch) = tried.reduce(|best, next| if next.0 > best.0 { next } else { best })?;
    let mut low = low;
    for _ in 0..ROUNDS {
        let inside = sums.between(stretch);
        let mut outside = baseline;
        outside.add(Tally::new(sums.all().bad - inside.bad, sums.all().total - inside.total));
        let Some(high) = inside.rate() else { break };
        let fitted = outside.bad.max(0.5) / outside.total;
        if high <= fitted {
            break;
        }
        low = fitted;
        let next = largest(&entries, low, high);
        if std::mem::replace(&mut stretch, next) == next {
            break;
        }
    }
    let best = sums.gain(stretch, low);
    if stretch.0 >= stretch.1 || best / phi < ln(SHOWN * entries.len() as f64) {
        return None;
    }
    let (begin, end) = stretch;
    let near = |at: &usize, stretch: (usize, usize)| {
        (2.0 * (best - sums.gain(stretch, low)) <= WITHIN * phi).then_some(*at)
    };
    let begins: Vec<usize> = (0..end).filter_map(|at| near(&at, (at, end))).collect();
    let ends: Vec<usize> = (begin + 1..=entries.len()).filter_map(|at| near(&at, (begin, at))).collect();
    let seconds = |at: usize| at as f64 * interval.seconds();
    // A change within an interval is seen at one of its ends: half an interval to either side is not known.
    let half = interval.seconds() / 2.0;
    let (first, last) = (*begins.first()?, *begins.last()?);
    let began = Moment {
        seconds: seconds(begin),
        low: (seconds(first) - half).max(0.0),
        high: Some(seconds(last) + half),
    };
    let (first, last) = (*ends.first()?, *ends.last()?);
    let open = last == entries.len();
    let ended = (end < entries.len()).then(|| Moment {
        seconds: seconds(end),
        low: (seconds(first) - half).max(0.0),
        high: (!open).then(|| seconds(last) + half),
    });
    Some(Episode { began, ended, rate: sums.between(stretch).rate()? })
}

/// Sums over the entries before each place.
struct Sums(Vec<Tally>);

impl Sums {
    fn of(entries: &[Tally]) -> Self {
        let mut sums = vec![Tally::default()];
        let mut sum = Tally::default();
        for entry in entries {
            sum.add(*entry);
            sums.push(sum);
        }
        Self(sums)
    }

    fn all(&self) -> Tally {
        self.between((0, self.0.len() - 1))
    }

    fn between(&self, (begin, end): (usize, usize)) -> Tally {
        let (begin, end) = (self.0[begin], self.0[end]);
        Tally::new(end.bad - begin.bad, end.total - begin.total)
    }

    /// How much likelier a stretch is with a rate of its own than with `low`, as a logarithm.
    fn gain(&self, stretch: (usize, usize), low: f64) -> f64 {
        let Tally { bad, total } = self.between(stretch);
        let expected = low * total;
        if bad > expected && expected > 0.0 { bad * ln(bad / expected) - (bad - expected) } else { 0.0 }
    }
}

/// The stretch with the largest `bad ln(high / low) - total (high - low)`; empty when no entry gains.
fn largest(entries: &[Tally], low: f64, high: f64) -> (usize, usize) {
    let (mut best, mut stretch) = (0.0, (0, 0));
    let (mut sum, mut begin) = (0.0, 0);
    let ratio = ln(high / low);
    for (index, entry) in entries.iter().enumerate() {
        if sum <= 0.0 {
            (sum, begin) = (0.0, index);
        }
        sum += entry.bad * ratio - entry.total * (high - low);
        if sum > best {
            (best, stretch) = (sum, (begin, index + 1));
        }
    }
    stretch
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1;

    fn found(bad: &[f64], total: f64) -> Option<Episode> {
        let counts = Counts::complete(bad, &vec![total; bad.len()]);
        episode(&counts, Tally::new(3.0, 30.0 * total), Interval::from_seconds(SECOND), 7.0)
    }

    #[test]
    fn harm_that_comes_and_goes_is_dated_to_the_interval() {
        let mut bad = vec![0.0; 30];
        bad[4..19].fill(60.0);
        let found = found(&bad, 100.0).unwrap();
        assert_eq!(found.began, Moment { seconds: 4.0, low: 3.5, high: Some(4.5) });
        assert_eq!(found.ended, Some(Moment { seconds: 19.0, low: 18.5, high: Some(19.5) }));
        assert_eq!(found.rate, 0.6);
    }

    #[test]
    fn harm_to_the_end_has_no_end_and_calm_is_no_harm() {
        let mut bad = vec![0.0; 30];
        assert_eq!(found(&bad, 100.0), None);
        bad[10..].fill(60.0);
        assert_eq!(found(&bad, 100.0).unwrap().ended, None);
        assert_eq!(found(&[], 100.0), None);
        assert_eq!(found(&[100.0; 30], 0.0), None, "no baseline");
    }

    #[test]
    fn an_end_that_may_be_luck_stays_open() {
        let mut bad = vec![4.0; 30];
        bad[27..].fill(0.0);
        let ended = found(&bad, 4.0).unwrap().ended.unwrap();
        assert_eq!((ended.seconds, ended.high), (27.0, None));
    }

    #[test]
    fn gaps_say_nothing() {
        let mut counts = Counts::default();
        for index in 0..40 {
            let bad = if (10..20).contains(&index) { 90.0 } else { 0.0 };
            counts.push((index % 3 > 0).then_some(Tally::new(bad, 100.0)));
        }
        let found = episode(&counts, Tally::new(0.0, 3_000.0), Interval::from_seconds(SECOND), 1.0).unwrap();
        assert_eq!((found.began.seconds, found.ended.unwrap().seconds), (10.0, 20.0));
    }
}

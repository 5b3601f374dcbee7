//! Chance that can be repeated: a number that depends on its keys and on nothing else.

/// A number spread evenly over all of `u64`, different for every different list of keys.
///
/// Every key goes through the finaliser of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
/// generators", OOPSLA 2014), chained, so that neighbours in one key are unrelated.
pub(crate) fn draw(keys: &[u64]) -> u64 {
    const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
    keys.iter().fold(GOLDEN, |state, key| mix(state.wrapping_add(GOLDEN) ^ mix(key.wrapping_add(GOLDEN))))
}

/// The same, as a fraction from 0 up to but without 1.
pub(crate) fn fraction(keys: &[u64]) -> f64 {
    (draw(keys) >> 11) as f64 / (1_u64 << 53) as f64
}

fn mix(mut word: u64) -> u64 {
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_keys_draw_the_same_number_and_neighbours_are_unrelated() {
        assert_eq!(draw(&[1, 2, 3]), draw(&[1, 2, 3]));
        assert_ne!(draw(&[1, 2, 3]), draw(&[1, 3, 2]));
        assert_ne!(draw(&[0, 0]), draw(&[0, 0, 0]));
        let differing: u32 = (0..1000).map(|n| (draw(&[7, n]) ^ draw(&[7, n + 1])).count_ones()).sum();
        assert!((30_000..34_000).contains(&differing), "{differing} of 64000 bits differ");
    }

    #[test]
    fn fractions_are_spread_evenly_over_every_key() {
        for position in 0..3 {
            let mut tenths = [0_u32; 10];
            for n in 0..100_000 {
                let mut keys = [42, 42, 42];
                keys[position] = n;
                tenths[(fraction(&keys) * 10.0) as usize] += 1;
            }
            assert!(tenths.iter().all(|count| (9_500..10_500).contains(count)), "{tenths:?}");
        }
    }
}

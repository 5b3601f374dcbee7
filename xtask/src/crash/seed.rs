//! Repeatable choices.

use std::ops::Range;

/// A number from `range`, the same for the same key. SplitMix64 (Steele, Lea and Flood 2014) over the key's parts.
pub(super) fn pick(seed: u64, fault: &str, victim: u64, number: u64, range: Range<u64>) -> u64 {
    let mut state = seed;
    for part in fault.bytes().map(u64::from).chain([victim, number]) {
        state = mix(state ^ part);
    }
    let width = range.end.saturating_sub(range.start).max(1);
    range.start + mix(state) % width
}

fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_repeat_and_stay_in_range() {
        let picks: Vec<_> = (0..100).map(|number| pick(1, "tcpDelay", 0, number, 10..20)).collect();
        assert_eq!(picks, (0..100).map(|number| pick(1, "tcpDelay", 0, number, 10..20)).collect::<Vec<_>>());
        assert!(picks.iter().all(|pick| (10..20).contains(pick)));
        assert!((10..20).all(|call| picks.contains(&call)), "every call is chosen sooner or later");
    }
}

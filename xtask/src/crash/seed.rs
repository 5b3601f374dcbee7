//! Repeatable choices.

/// A number below `count`, the same for the same key. SplitMix64 (Steele, Lea and Flood 2014) over the key's parts.
pub(super) fn pick(seed: u64, fault: &str, victim: u64, number: u64, count: usize) -> usize {
    let mut state = seed;
    for part in fault.bytes().map(u64::from).chain([victim, number]) {
        state = mix(state ^ part);
    }
    usize::try_from(mix(state) % count.max(1) as u64).expect("it is below a usize")
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
    fn choices_repeat_and_stay_below_the_count() {
        let picks: Vec<_> = (0..100).map(|number| pick(1, "tcpDelay", 0, number, 10)).collect();
        assert_eq!(picks, (0..100).map(|number| pick(1, "tcpDelay", 0, number, 10)).collect::<Vec<_>>());
        assert!(picks.iter().all(|pick| *pick < 10));
        assert!((0..10).all(|call| picks.contains(&call)), "every call is chosen sooner or later");
    }
}

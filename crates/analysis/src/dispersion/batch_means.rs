//! Batch means: dispersion of blocks of intervals, so that correlation between neighbours is seen too.

use crate::counts::sum;
use crate::special::chi_squared_quantile;
use crate::{Counts, Interval, Tally};

/// Block lengths in seconds.
const BLOCKS: [u64; 2] = [60, 300];
/// Fewer blocks than this say nothing.
const LEAST_BLOCKS: usize = 8;

/// `max(1, max over block lengths of X^2 / chi2_quantile(blocks - 1))` with
/// `X^2 = sum (bad - p total)^2 / (p total)`, blocks of 60 s and 300 s counted back from the end.
/// Nothing if no block length yields eight blocks with traffic.
pub fn batch_means(history: &Counts, interval: Interval, quantile: f64) -> Option<f64> {
    let rate = history.sum().rate()?;
    let entries: Vec<Option<Tally>> = history.entries().collect();
    let estimates = BLOCKS.iter().filter_map(|&seconds| {
        let blocks = blocks(&entries, interval.per(seconds));
        if blocks.len() < LEAST_BLOCKS {
            return None;
        }
        let squares = blocks.iter().map(|block| {
            let expected = rate * block.total;
            if expected > 0.0 { (block.bad - expected) * (block.bad - expected) / expected } else { 0.0 }
        });
        Some(squares.sum::<f64>() / chi_squared_quantile(quantile, (blocks.len() - 1) as f64))
    });
    estimates.reduce(f64::max).map(|largest| largest.max(1.0))
}

/// The same for an experiment and a control group while neither has a fault: how much the experiment's share of
/// bad events varies more than its share of traffic explains. Both must have one entry per interval.
pub fn batch_means_control(
    experiment: &Counts,
    control: &Counts,
    interval: Interval,
    quantile: f64,
) -> Option<f64> {
    let pairs: Vec<Option<(Tally, Tally)>> =
        experiment.entries().zip(control.entries()).map(|(e, c)| Some((e?, c?))).collect();
    let ours: Vec<_> = pairs.iter().map(|pair| pair.map(|(ours, _)| ours)).collect();
    let theirs: Vec<_> = pairs.iter().map(|pair| pair.map(|(_, theirs)| theirs)).collect();
    let estimates = BLOCKS.iter().filter_map(|&seconds| {
        let size = interval.per(seconds);
        let count = pairs.len() / size;
        if count < LEAST_BLOCKS {
            return None;
        }
        let from = pairs.len() - count * size;
        let (mut squares, mut freedom) = (0.0, 0_u32);
        for (ours, theirs) in ours[from..].chunks(size).zip(theirs[from..].chunks(size)) {
            let (ours, theirs) = (sum(ours.iter().copied()), sum(theirs.iter().copied()));
            let share = ours.total / (ours.total + theirs.total).max(1.0);
            let bad = ours.bad + theirs.bad;
            let variance = bad * share * (1.0 - share);
            if variance > 0.0 {
                squares += (ours.bad - bad * share) * (ours.bad - bad * share) / variance;
                freedom += 1;
            }
        }
        Some(squares / chi_squared_quantile(quantile, f64::from(freedom.max(1))))
    });
    estimates.reduce(f64::max).map(|largest| largest.max(1.0))
}

/// Sums of blocks of `size` entries, aligned to the end. Blocks without traffic say nothing and are left out.
fn blocks(entries: &[Option<Tally>], size: usize) -> Vec<Tally> {
    let from = entries.len() % size;
    let blocks = entries[from..].chunks(size).map(|block| sum(block.iter().copied()));
    blocks.filter(|block| block.total > 0.0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fewer_than_eight_blocks_say_nothing() {
        let seconds = Interval::from_seconds(5);
        let counts = |intervals| Counts::complete(&vec![1.0; intervals], &vec![100.0; intervals]);
        assert_eq!(batch_means(&counts(95), seconds, 0.25), None);
        assert_eq!(batch_means(&counts(96), seconds, 0.25), Some(1.0));
        assert_eq!(batch_means(&Counts::default(), seconds, 0.25), None);
    }

    #[test]
    fn blocks_without_traffic_do_not_make_a_history_look_calm() {
        let mut counts = Counts::complete(&[0.0; 84], &[0.0; 84]);
        for _ in 0..96 {
            counts.push(Some(Tally::new(1.0, 100.0)));
        }
        let calm = batch_means(&counts, Interval::from_seconds(5), 0.25);
        assert_eq!(calm, Some(1.0));
        let mut few = Counts::complete(&[0.0; 84], &[0.0; 84]);
        few.push(Some(Tally::new(1.0, 100.0)));
        assert_eq!(batch_means(&few, Interval::from_seconds(5), 0.25), None);
    }

    #[test]
    fn bursts_are_seen() {
        let bad: Vec<f64> = (0..180).map(|index| if index % 24 == 0 { 40.0 } else { 0.0 }).collect();
        let phi = batch_means(&Counts::complete(&bad, &[100.0; 180]), Interval::from_seconds(5), 0.25);
        assert!(phi.unwrap() > 15.0, "{phi:?}");
    }
}

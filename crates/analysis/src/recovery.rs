//! How long it took to recover.

use crate::{Counts, Interval};

/// Seconds from the start of `after` (the removal of the fault, or the injection of a one-shot fault) until the
/// first instant after which `hold` consecutive intervals all had traffic and at most `tolerated` as share of bad
/// events. Nothing if that never happened: the run ended first (censored), which is not zero and not "never".
///
/// An estimate with the resolution of one interval, without error bounds: at low traffic a streak of good
/// intervals can be luck. An interval without traffic or without a measurement ends a streak, since nothing was
/// seen to work. `hold` of 0 is taken as 1.
pub fn recovery(after: &Counts, interval: Interval, tolerated: f64, hold: usize) -> Option<f64> {
    let hold = hold.max(1);
    let mut streak = 0;
    for (index, entry) in after.entries().enumerate() {
        let within = entry.and_then(|tally| tally.rate()).is_some_and(|rate| rate <= tolerated);
        streak = if within { streak + 1 } else { 0 };
        if streak == hold {
            return Some((index + 1 - hold) as f64 * interval.seconds());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tally;

    fn after(rates: &[Option<f64>]) -> Counts {
        let mut counts = Counts::default();
        for rate in rates {
            counts.push(rate.map(|rate| Tally::new(rate * 100.0, 100.0)));
        }
        counts
    }

    const SECOND: u64 = 1;

    #[test]
    fn recovery_starts_with_the_streak_that_held() {
        let counts = after(&[Some(1.0), Some(0.0), Some(0.5), Some(0.0), Some(0.01), Some(0.0)]);
        assert_eq!(recovery(&counts, Interval::from_seconds(SECOND), 0.01, 3), Some(3.0));
        assert_eq!(recovery(&counts, Interval::from_seconds(SECOND), 0.01, 4), None);
    }

    #[test]
    fn silence_is_no_recovery() {
        let mut counts = after(&[Some(0.0), None, Some(0.0)]);
        counts.push(Some(Tally::new(0.0, 0.0)));
        assert_eq!(recovery(&counts, Interval::from_seconds(SECOND), 0.01, 2), None);
        assert_eq!(recovery(&Counts::default(), Interval::from_seconds(SECOND), 0.01, 0), None);
    }
}

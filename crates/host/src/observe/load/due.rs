//! When requests are due.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use steadfast_model::Rate;
use steadfast_probes::load::Arrivals;

/// Due times in nanoseconds from the start, rising, without end. The same seed gives the same times on every platform.
pub(super) struct DueTimes {
    arrivals: Arrivals,
    /// Requests per nanosecond.
    rate: f64,
    random: ChaCha8Rng,
    count: u64,
    last: f64,
}

impl DueTimes {
    pub(super) fn new(rate: Rate, arrivals: Arrivals, seed: u64) -> Self {
        Self {
            arrivals,
            rate: rate.get() / 1e9,
            random: ChaCha8Rng::seed_from_u64(seed),
            count: 0,
            last: 0.0,
        }
    }
}

impl Iterator for DueTimes {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        self.last = match self.arrivals {
            // From the count, so that rounding never adds up.
            Arrivals::Constant => self.count as f64 / self.rate,
            // Gaps of a Poisson process are exponential: the inverse of 1 - exp(-rate * gap) at a uniform number.
            Arrivals::Poisson => self.last - libm::log1p(-self.random.random::<f64>()) / self.rate,
        };
        self.count += 1;
        Some(self.last as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due_times(arrivals: Arrivals, seed: u64) -> DueTimes {
        DueTimes::new(Rate::per_second(200.0).unwrap(), arrivals, seed)
    }

    #[test]
    fn constant_arrivals_are_even_and_do_not_drift() {
        let times: Vec<u64> = due_times(Arrivals::Constant, 1).take(200_001).collect();
        assert_eq!(times[..3], [0, 5_000_000, 10_000_000]);
        assert_eq!(times[200_000], 1_000_000_000_000);
    }

    #[test]
    fn poisson_arrivals_have_the_right_mean_and_spread() {
        let times: Vec<u64> = due_times(Arrivals::Poisson, 7).take(20_000).collect();
        assert!(times.is_sorted());
        let mut per_second = vec![0_f64; 90];
        for time in &times {
            if let Some(count) = per_second.get_mut((time / 1_000_000_000) as usize) {
                *count += 1.0;
            }
        }
        let mean = per_second.iter().sum::<f64>() / 90.0;
        let variance = per_second.iter().map(|count| (count - mean).powi(2)).sum::<f64>() / 89.0;
        // Mean 200 with standard error sqrt(200/90); variance over mean is 1 with standard error sqrt(2/89).
        assert!((mean - 200.0).abs() < 3.0 * 1.49, "{mean}");
        assert!((variance / mean - 1.0).abs() < 3.0 * 0.15, "{}", variance / mean);
    }

    #[test]
    fn the_same_seed_gives_the_same_times() {
        let times = |seed| due_times(Arrivals::Poisson, seed).take(100).collect::<Vec<_>>();
        assert_eq!(times(3), times(3));
        assert_ne!(times(3), times(4));
    }
}

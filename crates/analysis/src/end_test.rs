//! The test looked at once, at the planned end: exact tails, and the intervals that invert them.

use crate::special::{
    beta_regularised, beta_regularised_inverse_odds, gamma_lower_inverse, gamma_regularised,
};
use crate::{Tally, Tolerance};

/// Everything the test at the end needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EndTest {
    /// Counts of the fault window.
    pub fault: Tally,
    /// Counts of the baseline.
    pub baseline: Tally,
    /// What is acceptable.
    pub tolerance: Tolerance,
    /// Dispersion by which all counts are divided.
    pub dispersion: f64,
}

impl EndTest {
    /// Probability of at least this many bad events if the rate were just at the tolerance. Small: harm is shown.
    /// Nothing without traffic.
    pub fn p_harm(&self) -> Option<f64> {
        let at_least = self.tails()?.0;
        Some(if self.fault.bad > 0.0 { at_least } else { 1.0 })
    }

    /// Probability of at most this many bad events if the rate were just at the tolerance. Small: the tolerance
    /// held. Nothing without traffic.
    pub fn p_held(&self) -> Option<f64> {
        Some(self.tails()?.1)
    }

    /// `(p_harm, p_held)`: gamma tails for an absolute tolerance, conditional binomial tails (as regularised beta
    /// functions, so that counts divided by the dispersion need not be whole) for a relative one.
    fn tails(&self) -> Option<(f64, f64)> {
        if self.fault.total <= 0.0 {
            return None;
        }
        let k = self.fault.bad / self.dispersion;
        match self.tolerance {
            Tolerance::Absolute(rate) => {
                let allowed = rate * self.fault.total / self.dispersion;
                Some((gamma_regularised(k, allowed).0, gamma_regularised(k + 1.0, allowed).1))
            }
            Tolerance::Relative(rho) => {
                let base = self.baseline.bad / self.dispersion;
                let weighted = rho * self.fault.total;
                let sum = self.baseline.total + weighted;
                if self.baseline.total <= 0.0 {
                    return None;
                }
                let (theta, rest) = (weighted / sum, self.baseline.total / sum);
                let harm = beta_regularised(k, base + 1.0, theta, rest).0;
                let held = beta_regularised(base, k + 1.0, rest, theta).0;
                Some((harm, held))
            }
        }
    }

    /// Interval of the ratio of fault rate to baseline rate, by inverting the tests: the lower end is where harm
    /// is shown at `harm_level`, the upper where the tolerance held at `held_level`, with the dispersion kept. So
    /// a relative tolerance held exactly if it is at or above the upper end. No upper end: no ratio can be
    /// excluded (no bad events in the baseline). Nothing without traffic or without any bad event.
    pub fn ratio_interval(&self, harm_level: f64, held_level: f64) -> Option<(f64, Option<f64>)> {
        let (k, base) = (self.fault.bad / self.dispersion, self.baseline.bad / self.dispersion);
        if self.fault.total <= 0.0 || self.baseline.total <= 0.0 || k + base <= 0.0 {
            return None;
        }
        let traffic = self.baseline.total / self.fault.total;
        let low = beta_regularised_inverse_odds(k, base + 1.0, harm_level) * traffic;
        let high = traffic / beta_regularised_inverse_odds(base, k + 1.0, held_level);
        Some((low, high.is_finite().then_some(high)))
    }

    /// Interval of the fault rate itself, by inverting the gamma tails the same way. Nothing without traffic.
    pub fn rate_interval(&self, harm_level: f64, held_level: f64) -> Option<(f64, f64)> {
        if self.fault.total <= 0.0 {
            return None;
        }
        let k = self.fault.bad / self.dispersion;
        let events = self.fault.total / self.dispersion;
        let low = gamma_lower_inverse(k, harm_level) / events;
        let high = gamma_lower_inverse(k + 1.0, 1.0 - held_level) / events;
        Some((low.min(1.0), high.min(1.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test(fault: (f64, f64), baseline: (f64, f64), tolerance: Tolerance) -> EndTest {
        let tally = |(bad, total)| Tally::new(bad, total);
        EndTest { fault: tally(fault), baseline: tally(baseline), tolerance, dispersion: 1.7 }
    }

    #[test]
    fn intervals_and_tests_agree() {
        let at = |rho| test((40.0, 3000.0), (90.0, 9000.0), Tolerance::Relative(rho));
        let (low, high) = at(1.5).ratio_interval(0.01, 0.05).unwrap();
        assert!(low < 4.0 / 3.0 && high.unwrap() > 4.0 / 3.0);
        assert!((at(low).p_harm().unwrap() - 0.01).abs() < 1e-12);
        assert!((at(high.unwrap()).p_held().unwrap() - 0.05).abs() < 1e-12);
        let at = |rate| test((40.0, 3000.0), (0.0, 0.0), Tolerance::Absolute(rate));
        let (low, high) = at(0.1).rate_interval(0.01, 0.05).unwrap();
        assert!((at(low).p_harm().unwrap() - 0.01).abs() < 1e-12);
        assert!((at(high).p_held().unwrap() - 0.05).abs() < 1e-12);
    }

    #[test]
    fn nothing_is_said_without_traffic() {
        let absolute = test((0.0, 0.0), (1.0, 100.0), Tolerance::Absolute(0.01));
        assert_eq!((absolute.p_harm(), absolute.p_held()), (None, None));
        assert_eq!((absolute.ratio_interval(0.01, 0.05), absolute.rate_interval(0.01, 0.05)), (None, None));
        let relative = test((1.0, 100.0), (0.0, 0.0), Tolerance::Relative(2.0));
        assert_eq!((relative.p_harm(), relative.p_held()), (None, None));
    }

    #[test]
    fn baseline_without_errors_never_shows_that_a_ratio_held() {
        let relative = test((0.0, 1e6), (0.0, 1e6), Tolerance::Relative(2.0));
        assert_eq!((relative.p_harm(), relative.p_held()), (Some(1.0), Some(1.0)));
        assert_eq!(relative.ratio_interval(0.01, 0.05), None);
        let some = test((3.0, 1e6), (0.0, 1e6), Tolerance::Relative(2.0));
        assert_eq!(some.ratio_interval(0.01, 0.05).unwrap().1, None);
    }
}

//! Evidence that may be looked at after every interval: e-processes on counts (`ln E`).
//!
//! An e-value is a bet against a hypothesis that does not gain on average while the hypothesis is true; by Ville's
//! inequality it ever reaches `1 / alpha` with probability at most `alpha`. [`Mixture::harm`] bets against "the
//! rate is within tolerance", [`Mixture::hold`] against "the rate is at or beyond tolerance". Each is a mixture
//! over hypothetical ratios R of the true rate to the tolerated rate.

mod control;

pub use control::ControlEvidence;

use crate::arithmetic::{ln, ln_sum_exp};
use crate::{Tally, Tolerance};

const HARM: [(f64, f64); 10] = [
    (1.15, 1.0),
    (1.35, 1.5),
    (1.7, 2.0),
    (2.2, 2.0),
    (3.0, 2.0),
    (4.5, 1.5),
    (7.0, 1.0),
    (12.0, 0.7),
    (25.0, 0.5),
    (80.0, 0.3),
];
const HOLD: [(f64, f64); 7] =
    [(0.0, 0.5), (0.1, 0.5), (0.2, 1.0), (0.33, 2.0), (0.5, 2.0), (0.65, 2.0), (0.8, 1.0)];

/// One hypothetical ratio of true rate to tolerated rate.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Term {
    ratio: f64,
    ln_ratio: f64,
    ln_weight: f64,
}

impl Term {
    /// `bad * ln R`, where no event costs nothing whatever R is.
    fn gain(self, bad: f64) -> f64 {
        if bad > 0.0 { bad * self.ln_ratio } else { 0.0 }
    }
}

/// A weighted grid of hypothetical ratios.
#[derive(Clone, Debug, PartialEq)]
pub struct Mixture {
    terms: Vec<Term>,
}

impl Mixture {
    /// Bets that the rate is above the tolerance.
    pub fn harm() -> Self {
        Self::new(&HARM)
    }

    /// Bets that the rate is below the tolerance.
    pub fn hold() -> Self {
        Self::new(&HOLD)
    }

    fn new(grid: &[(f64, f64)]) -> Self {
        let sum: f64 = grid.iter().map(|(_, weight)| weight).sum();
        let term =
            |&(ratio, weight): &(f64, f64)| Term { ratio, ln_ratio: ln(ratio), ln_weight: ln(weight / sum) };
        Self { terms: grid.iter().map(term).collect() }
    }

    /// `ln E` after `bad` events where the tolerance allows `allowed` (tolerated rate times events), with
    /// dispersion `phi`: `ln L_R = [bad ln R - allowed (R - 1)] / phi`.
    pub fn absolute(&self, bad: f64, allowed: f64, phi: f64) -> f64 {
        self.mix(phi, |term| term.gain(bad) - allowed * (term.ratio - 1.0))
    }

    /// `ln E` of the fault window against `rho` times the baseline, with dispersion `phi`:
    /// `ln L_R = [E ln R + (eB + E)(ln(nB + rho N) - ln(nB + rho R N))] / phi`. The baseline rate cancels out
    /// (conditional test, as in the conditional maxSPRT of Li and Kulldorff 2010). Zero without baseline traffic.
    pub fn relative(&self, fault: Tally, baseline: Tally, rho: f64, phi: f64) -> f64 {
        let events = baseline.bad + fault.bad;
        if baseline.total <= 0.0 || fault.total <= 0.0 || events <= 0.0 {
            return 0.0;
        }
        let weighted = rho * fault.total;
        let at_tolerance = ln(baseline.total + weighted);
        self.mix(phi, |term| {
            term.gain(fault.bad) + events * (at_tolerance - ln(baseline.total + term.ratio * weighted))
        })
    }

    /// `ln E` of the fault window under `tolerance`.
    pub fn evidence(&self, tolerance: Tolerance, fault: Tally, baseline: Tally, phi: f64) -> f64 {
        match tolerance {
            Tolerance::Absolute(rate) if fault.total > 0.0 => {
                self.absolute(fault.bad, rate * fault.total, phi)
            }
            Tolerance::Absolute(_) => 0.0,
            Tolerance::Relative(rho) => self.relative(fault, baseline, rho, phi),
        }
    }

    fn mix(&self, phi: f64, ln_likelihood: impl Fn(&Term) -> f64) -> f64 {
        ln_sum_exp(self.terms.iter().map(|term| ln_likelihood(term) / phi + term.ln_weight))
    }
}

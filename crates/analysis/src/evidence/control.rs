//! Evidence against a concurrent control group.

use super::Mixture;
use crate::Tally;
use crate::arithmetic::{ln, ln_sum_exp};

/// Evidence that the experiment group is worse than `rho` times a control group running at the same time.
///
/// Step by step, `ln L_R += eE ln R + (eE + eC)(ln(nC + rho nE) - ln(nC + rho R nE))`. Shocks that hit both groups
/// cancel (Lindon and Malek 2022). Each step costs the same, however many came before.
#[derive(Clone, Debug, PartialEq)]
pub struct ControlEvidence {
    mixture: Mixture,
    rho: f64,
    phi: f64,
    ln_likelihoods: Vec<f64>,
}

impl ControlEvidence {
    /// Nothing seen yet.
    pub fn new(mixture: Mixture, rho: f64, phi: f64) -> Self {
        let ln_likelihoods = vec![0.0; mixture.terms.len()];
        Self { mixture, rho, phi, ln_likelihoods }
    }

    /// Adds one interval of both groups and answers `ln E` so far.
    pub fn feed(&mut self, experiment: Tally, control: Tally) -> f64 {
        let events = experiment.bad + control.bad;
        let weighted = self.rho * experiment.total;
        for (term, sum) in self.mixture.terms.iter().zip(&mut self.ln_likelihoods) {
            *sum += term.gain(experiment.bad);
            if events > 0.0 {
                let at_tolerance = ln((control.total + weighted).max(1e-300));
                *sum += events * (at_tolerance - ln((control.total + term.ratio * weighted).max(1e-300)));
            }
        }
        self.ln_evidence()
    }

    /// `ln E` had all of it been seen this many times.
    pub(crate) fn times(&self, times: f64) -> f64 {
        let terms = self.mixture.terms.iter().zip(&self.ln_likelihoods);
        ln_sum_exp(terms.map(|(term, sum)| times * sum / self.phi + term.ln_weight))
    }

    /// `ln E` so far.
    pub fn ln_evidence(&self) -> f64 {
        let terms = self.mixture.terms.iter().zip(&self.ln_likelihoods);
        ln_sum_exp(terms.map(|(term, sum)| sum / self.phi + term.ln_weight))
    }
}

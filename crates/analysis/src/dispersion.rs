//! How much more the number of bad events varies than independent events would: the dispersion `phi >= 1` by which
//! all evidence is divided.
//!
//! Learned from the steady history by batch means and then carried over to the rate at which the decision falls,
//! because multiplicative noise (a rate that wanders) has `phi = 1 + c x rate`:
//!
//! * relative tolerance `rho`: `phi = 1 + rho (phi_hat - 1)`, at least 1.2 with fewer than 10 bad events to learn
//!   from;
//! * absolute tolerance `m` with baseline rate `p`: `phi = 1 + max(1, m / p) (phi_hat - 1)`, but no more than what
//!   is assumed without history (below), and never less than `phi_hat` itself: knowing more must not cost more.
//!   With fewer than `10 max(1, m / p)` bad events too little was learned about how they come, and the assumption
//!   is used.
//!
//! **Assumed** with less than 15 minutes of history, or when no block length yields eight blocks: for a relative
//! tolerance `phi_hat >= max(4, 1 + 0.1 x baseline errors per minute)` before the factor above.
//!
//! For an absolute tolerance the baseline's own errors say little, often there are none. So the same noise is
//! assumed *at the tolerance itself*, where the decision falls, without a further factor:
//! `phi >= max(7, 1 + g(T) x m x requests per minute)` after `T` seconds of fault. 7 is the dispersion of bursts of
//! geometric size with mean 4. `g` is what a rate whose logarithm wanders with deviation 0.35 and time constant
//! `c` = 60 s adds: the variance of its mean over `T` gives
//! `g(T) = 2 (exp(0.35^2) - 1) (c / 60 s) (1 - (c / T)(1 - exp(-T / c)))`: 0.06 at 30 s, 0.1 at 60 s, 0.15 at 120 s,
//! at most 0.26. A constant 0.1 was simulated too: faults of 120 s were then wrongly held in up to 7.6 %.
//! Consequence: from a cold start nothing is held unless the tolerance allows at least 21 bad events within the
//! fault window. `tests/simulated/absolute_tolerances.rs` simulates that the error rates hold. Traffic during the fault is
//! taken to be about that before.

//!
//! Beside a control group only what differs between the groups matters: how much their shares of the bad events vary
//! before the fault. That is not multiplied by anything, since wandering rates cancel. Assumed are 7.

mod batch_means;
mod rule;

pub use batch_means::{batch_means, batch_means_control};
pub use rule::LONG_ENOUGH;
pub(crate) use rule::{Learned, Rule};

use serde::{Deserialize, Serialize};

use crate::{Interval, Metric};

/// Dispersion of bad events, used by the stop and by the end test.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Dispersion {
    /// Divides the evidence looked at after every interval.
    pub abort: f64,
    /// Divides the counts of the test at the end; a more cautious estimate.
    pub end: f64,
}

/// Where a dispersion comes from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Source {
    /// The caller said so.
    Given,
    /// Learned from the history.
    Estimated,
    /// The history is long enough but has too few bad events to learn from: a cautious value.
    FewErrors,
    /// The history is too short: a cautious value.
    #[serde(rename_all = "camelCase")]
    Assumed {
        /// Length of the history, gaps not counted.
        history_seconds: f64,
    },
}

/// A dispersion and where it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Estimate {
    /// What is used.
    pub dispersion: Dispersion,
    /// Where it comes from.
    pub source: Source,
}

/// The dispersion to use for `metric`, from what is known before the fault, when the fault lasts `fault_seconds`
/// (which matters only for assumed dispersion under an absolute tolerance).
pub fn estimate(metric: &Metric, interval: Interval, fault_seconds: f64) -> Estimate {
    Learned::of(metric, interval).rule_for(metric).at(fault_seconds)
}

//! The increments a verdict is computed from: what `steadfast verdict` reads and what a run stores.

mod check;

pub use check::InputProblem;

use serde::{Deserialize, Serialize};

use crate::{Counts, Dispersion, Interval, Tolerance};

/// Most metrics in one document.
pub const MAX_METRICS: usize = 1_000;
/// Most intervals in one series.
pub const MAX_INTERVALS: usize = 1_000_000;
/// Most events in one interval.
pub const MAX_COUNT: f64 = 1e9;

/// Everything a finding is computed from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Increments {
    /// Length of one interval.
    pub interval: Interval,
    /// Largest probability of refuting a metric that is within tolerance. Default 0.05.
    #[serde(default = "five_percent")]
    pub alpha: f64,
    /// Largest probability of calling a metric held that is at or beyond tolerance. Default 0.05.
    #[serde(default = "five_percent")]
    pub beta: f64,
    /// What is judged.
    pub metrics: Vec<Metric>,
}

/// One metric: what is acceptable, and its counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Metric {
    /// Name, unique within the document.
    pub name: String,
    /// How bad is still acceptable.
    pub tolerance: Tolerance,
    /// Steady counts that end where the fault begins, from which dispersion is learned. Default: the baseline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<Counts>,
    /// Steady counts that give the rate to compare with.
    pub baseline: Counts,
    /// Counts while the fault is active.
    pub fault: Counts,
    /// Dispersion, instead of an estimate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispersion: Option<Dispersion>,
}

impl Increments {
    /// A document with the usual error rates.
    pub fn new(interval: Interval, metrics: Vec<Metric>) -> Self {
        Self { interval, alpha: five_percent(), beta: five_percent(), metrics }
    }

    /// Number of intervals of the longest fault series.
    pub fn fault_intervals(&self) -> usize {
        self.metrics.iter().map(|metric| metric.fault.len()).max().unwrap_or(0)
    }
}

impl Metric {
    /// A metric without history of its own, dispersion to be estimated.
    pub fn new(name: &str, tolerance: Tolerance, baseline: Counts, fault: Counts) -> Self {
        Self { name: name.to_owned(), tolerance, history: None, baseline, fault, dispersion: None }
    }
}

fn five_percent() -> f64 {
    0.05
}

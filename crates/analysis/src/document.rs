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
    /// A group that serves the same traffic at the same time without the fault. Then the tolerance is relative to what
    /// this group sees meanwhile, and what hits both groups is not blamed on the fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control: Option<Control>,
    /// Dispersion, instead of an estimate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispersion: Option<Dispersion>,
}

/// The counts of a control group, interval by interval beside those of the metric.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Control {
    /// Beside the metric's history, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<Counts>,
    /// Beside the metric's baseline: neither group has the fault.
    pub baseline: Counts,
    /// While the fault is active, elsewhere.
    pub fault: Counts,
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
        Self {
            name: name.to_owned(),
            tolerance,
            history: None,
            baseline,
            fault,
            control: None,
            dispersion: None,
        }
    }
}

impl Metric {
    /// Share of baseline intervals that were measured, in both groups if there is a control group.
    pub(crate) fn baseline_completeness(&self) -> f64 {
        let Some(control) = &self.control else { return self.baseline.completeness() };
        let pairs = self.baseline.entries().zip(control.baseline.entries());
        let both = pairs.filter(|(ours, theirs)| ours.is_some() && theirs.is_some()).count();
        if self.baseline.is_empty() { 0.0 } else { both as f64 / self.baseline.len() as f64 }
    }
}

fn five_percent() -> f64 {
    0.05
}

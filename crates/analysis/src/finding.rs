//! What was found out.

use serde::{Deserialize, Serialize};

use crate::{Dispersion, Reason, Source, Tally, Tolerance};

/// The answer to a hypothesis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// Shown to stay within tolerance.
    Held,
    /// Shown to exceed the tolerance.
    Refuted,
    /// Neither could be shown.
    Inconclusive,
}

/// The finding of one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Finding {
    /// Held if every metric held, refuted if any is refuted, else inconclusive.
    pub verdict: Verdict,
    /// The reason of the metric that decided.
    pub reason: Reason,
    /// The reason in words.
    pub sentence: String,
    /// Names of the metrics that decided.
    pub decided_by: Vec<String>,
    /// Index of the fault interval after which harm was shown and the fault had to stop.
    pub stopped_at: Option<usize>,
    /// The average evidence over all metrics, `ln E`, after each interval.
    pub ln_evidence: Vec<f64>,
    /// What the average evidence must reach to stop: `ln(1 / (0.8 alpha))`.
    pub threshold: f64,
    /// Version of the analysis that found it.
    pub analysis: String,
    /// Metric by metric, in the order given.
    pub metrics: Vec<MetricFinding>,
}

/// The finding for one metric. Rates, counts and completeness end where the run stopped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MetricFinding {
    /// Name of the metric.
    pub name: String,
    /// The answer for this metric alone.
    pub verdict: Verdict,
    /// Why.
    pub reason: Reason,
    /// The reason in words.
    pub sentence: String,
    /// What was acceptable.
    pub tolerance: Tolerance,
    /// Share of bad events before the fault; nothing without traffic.
    pub baseline_rate: Option<f64>,
    /// Share of bad events during the fault; nothing without traffic.
    pub fault_rate: Option<f64>,
    /// Fault rate over baseline rate; nothing without traffic or without bad events before.
    pub ratio: Option<f64>,
    /// Interval of the ratio, see [`crate::EndTest::ratio_interval`]. Nothing after an early stop.
    pub ratio_interval: Option<(f64, Option<f64>)>,
    /// Interval of the fault rate. Nothing after an early stop.
    pub fault_rate_interval: Option<(f64, f64)>,
    /// Dispersion used.
    pub dispersion: Dispersion,
    /// Where the dispersion comes from.
    pub dispersion_source: Source,
    /// Evidence of harm, `ln E`, after each fault interval.
    pub ln_evidence: Vec<f64>,
    /// Evidence of holding, `ln E`, at the end or at the stop.
    pub ln_hold: f64,
    /// P-value against "within tolerance"; beside a control group the inverse of the evidence. Nothing after an early stop or without traffic.
    pub p_harm: Option<f64>,
    /// P-value against "at or beyond tolerance", likewise. Nothing after an early stop or without traffic.
    pub p_held: Option<f64>,
    /// Share of fault intervals that were measured.
    pub completeness: f64,
    /// Counts before the fault.
    pub baseline: Tally,
    /// Counts during the fault.
    pub fault: Tally,
    /// What the control group saw, if there is one. Then ratio and tolerance are relative to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control: Option<ControlFinding>,
}

/// What a control group saw, in the intervals in which both groups were measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ControlFinding {
    /// Counts before the fault.
    pub baseline: Tally,
    /// Counts during the fault.
    pub fault: Tally,
    /// Share of bad events before the fault; nothing without traffic.
    pub baseline_rate: Option<f64>,
    /// Share of bad events during the fault; nothing without traffic.
    pub fault_rate: Option<f64>,
}

//! Was the system steady before the fault? If not, nothing that happens later can be blamed on the fault.

use serde::{Deserialize, Serialize};

use crate::arithmetic::ln;
use crate::evidence::{ControlEvidence, Mixture};
use crate::{
    Counts, EndTest, Interval, MIN_BASELINE_COMPLETENESS, Metric, STOP_SHARE, Tally, Tolerance, estimate,
};

/// The recent stretch that is compared with the rest of the baseline, in seconds.
const RECENT: u64 = 600;

/// Why a baseline is no steady state.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Unsteady {
    /// No events at all.
    NoTraffic,
    /// Too many intervals were not measured.
    #[serde(rename_all = "camelCase")]
    Incomplete {
        /// Share of intervals measured.
        completeness: f64,
        /// Share needed.
        needed: f64,
    },
    /// More bad events than the absolute tolerance allows, already before the fault.
    #[serde(rename_all = "camelCase")]
    AboveTolerance {
        /// Share of bad events in the baseline.
        rate: f64,
        /// Share allowed.
        tolerated: f64,
    },
    /// Metric and control group differed by more than the tolerance, without a fault in either.
    #[serde(rename_all = "camelCase")]
    GroupsDiffer {
        /// Share of bad events in the metric's group.
        rate: f64,
        /// Share of bad events in the control group.
        control: f64,
    },
    /// The rate changed within the baseline by more than the relative tolerance.
    #[serde(rename_all = "camelCase")]
    Unstable {
        /// Share of bad events in the earlier part.
        earlier: f64,
        /// Share of bad events in the recent part.
        recent: f64,
    },
}

impl Unsteady {
    /// True if the numbers are there and show that the system was not healthy, rather than being missing.
    pub(crate) fn shown(self) -> bool {
        matches!(self, Self::AboveTolerance { .. } | Self::Unstable { .. } | Self::GroupsDiffer { .. })
    }
}

/// Everything that keeps the baseline of `metric` from being a steady state; empty if it is one.
///
/// * Traffic, and at least 95 % of intervals measured.
/// * Absolute tolerance: the baseline's own end test does not show harm at level `alpha`. A rate above the
///   tolerance by chance, within the noise, does not fail.
/// * Beside a control group: neither group is worse than the other beyond the tolerance, by the same evidence. Shifts
///   of both do not matter.
/// * Relative tolerance otherwise: neither the last 10 minutes (the last third of a baseline under half an hour) against the
///   rest nor the rest against them shows a change beyond the tolerance, by the evidence of section "stop" at
///   `0.8 alpha`, with the dispersion within the parts: that of the whole would take the change for noise. The second direction matters because an earlier incident would inflate the rate compared with.
pub fn steady(metric: &Metric, interval: Interval, alpha: f64) -> Vec<Unsteady> {
    let baseline = metric.baseline.sum();
    let Some(rate) = baseline.rate() else { return vec![Unsteady::NoTraffic] };
    if metric.control.as_ref().is_some_and(|control| control.baseline.sum().total <= 0.0) {
        return vec![Unsteady::NoTraffic];
    }
    let mut problems = Vec::new();
    let completeness = metric.baseline_completeness();
    if completeness < MIN_BASELINE_COMPLETENESS {
        problems.push(Unsteady::Incomplete { completeness, needed: MIN_BASELINE_COMPLETENESS });
    }
    match metric.tolerance {
        Tolerance::Relative(rho) if metric.control.is_some() => {
            problems.extend(groups(metric, interval, rho, alpha))
        }
        Tolerance::Absolute(tolerated) => {
            let seconds = metric.baseline.len() as f64 * interval.seconds();
            let test = EndTest {
                fault: baseline,
                baseline: Tally::default(),
                tolerance: metric.tolerance,
                dispersion: estimate(metric, interval, seconds).dispersion.end,
            };
            if test.p_harm().is_some_and(|p| p <= alpha) {
                problems.push(Unsteady::AboveTolerance { rate, tolerated });
            }
        }
        Tolerance::Relative(rho) => {
            let length = metric.baseline.len();
            let split = length - interval.per(RECENT).min(length / 3);
            let (earlier, recent) = metric.baseline.split_at(split);
            let phi = within(metric, &earlier, interval).max(within(metric, &recent, interval));
            let (earlier, recent) = (earlier.sum(), recent.sum());
            let harm = Mixture::harm();
            let shown = |one, other| harm.relative(one, other, rho, phi) >= ln(1.0 / (STOP_SHARE * alpha));
            if let (Some(before), Some(after)) = (earlier.rate(), recent.rate())
                && (shown(recent, earlier) || shown(earlier, recent))
            {
                problems.push(Unsteady::Unstable { earlier: before, recent: after });
            }
        }
    }
    problems
}

/// Whether metric and control group differ already, in either direction: a control group that does worse on its own
/// would hide harm.
fn groups(metric: &Metric, interval: Interval, rho: f64, alpha: f64) -> Option<Unsteady> {
    let control = metric.control.as_ref()?;
    let phi = estimate(metric, interval, 0.0).dispersion.abort;
    let shown = |one: &Counts, other: &Counts| {
        let mut evidence = ControlEvidence::new(Mixture::harm(), rho, phi);
        for (one, other) in one.entries().zip(other.entries()).filter_map(|(one, other)| one.zip(other)) {
            evidence.feed(one, other);
        }
        evidence.ln_evidence() >= ln(1.0 / (STOP_SHARE * alpha))
    };
    let differ = shown(&metric.baseline, &control.baseline) || shown(&control.baseline, &metric.baseline);
    let (rate, control) = (metric.baseline.sum().rate()?, control.baseline.sum().rate()?);
    differ.then_some(Unsteady::GroupsDiffer { rate, control })
}

/// Dispersion within a part of the baseline.
fn within(metric: &Metric, part: &Counts, interval: Interval) -> f64 {
    let part = Metric {
        dispersion: metric.dispersion,
        ..Metric::new(&metric.name, metric.tolerance, part.clone(), Counts::default())
    };
    estimate(&part, interval, 0.0).dispersion.abort
}

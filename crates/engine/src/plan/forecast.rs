//! What a plan can show, foretold from what is known before it runs.

use steadfast_analysis::{
    Counts, Interval, Tally,
    plan::{Forecast, Outset, Prospect},
};
use steadfast_model::event::{RunPlan, StoredHistory, Tolerance};

use super::{Plan, earlier::intervals};

/// What a plan can show.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Foretold {
    /// How long a fault is in place, in seconds, unless it is stopped.
    pub fault_seconds: f64,
    /// Earlier runs that were asked, at most over all metrics.
    pub earlier_runs: u64,
    /// What can be shown by the metrics whose traffic is known.
    #[serde(flatten)]
    pub forecast: Forecast,
    /// Metrics of which nothing can be foretold: no earlier run tells how many events there are.
    pub unknown: Vec<String>,
}

impl Plan {
    /// Looks ahead, with what is known of earlier runs.
    #[must_use]
    pub fn foretell(&self) -> Foretold {
        let plan = self.run_plan();
        let millis = u64::try_from(plan.interval.std().as_millis()).unwrap_or(u64::MAX);
        let interval = Interval::from_millis(millis);
        let mut unknown = Vec::new();
        let mut metrics = Vec::new();
        for metric in &self.metrics {
            let earlier = metric.earlier.as_ref();
            let traffic = metric.traffic.or_else(|| earlier.map(super::Earlier::traffic));
            let Some(traffic) = traffic.filter(|&traffic| traffic > 0.0) else {
                unknown.push(metric.name.clone());
                continue;
            };
            let stored = earlier.and_then(super::Earlier::stored);
            metrics.push(Prospect {
                name: metric.name.clone(),
                tolerance: match metric.tolerance {
                    Tolerance::Absolute(rate) => steadfast_analysis::Tolerance::Absolute(rate),
                    Tolerance::Relative(factor) => steadfast_analysis::Tolerance::Relative(factor),
                },
                traffic,
                control: None,
                rate: earlier.and_then(super::Earlier::rate),
                history: stored.map(|stored| counts(&stored, interval)),
                dispersion: None,
                onset_seconds: metric.onset.seconds() * self.injections().count() as f64,
            });
        }
        let fault_seconds = under_fault(&plan);
        let outset = Outset {
            interval,
            alpha: plan.alpha,
            beta: plan.beta,
            baseline_seconds: plan.baseline.seconds(),
            fault_seconds,
            metrics,
        };
        let earlier_runs = self.metrics.iter().filter_map(|metric| Some(metric.earlier.as_ref()?.runs)).max();
        Foretold {
            fault_seconds,
            earlier_runs: earlier_runs.unwrap_or(0),
            forecast: outset.forecast(),
            unknown,
        }
    }
}

/// Seconds in which at least one fault is planned to be in place: only these are judged.
fn under_fault(plan: &RunPlan) -> f64 {
    let mut faults: Vec<(f64, f64)> = plan
        .injections
        .iter()
        .map(|planned| (planned.offset.seconds(), planned.offset.seconds() + planned.duration.seconds()))
        .collect();
    faults.sort_by(|one, other| one.0.total_cmp(&other.0));
    let (mut sum, mut until) = (0.0, 0.0_f64);
    for (from, to) in faults {
        sum += (to - from.max(until)).max(0.0);
        until = until.max(to);
    }
    sum
}

/// Stored blocks, spread over their intervals. Dispersion is learned from whole blocks, so that how they are spread
/// does not matter.
pub(crate) fn counts(stored: &StoredHistory, interval: Interval) -> Counts {
    let each = intervals(interval.seconds());
    let mut counts = Counts::default();
    for block in &stored.blocks {
        let entry = Tally::new(block.bad as f64 / each as f64, block.total as f64 / each as f64);
        (0..each).for_each(|_| counts.push(Some(entry)));
    }
    counts
}

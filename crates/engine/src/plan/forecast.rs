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
    /// How many faults are judged, each by itself.
    pub faults: usize,
    /// How long a fault is in place, in seconds, unless it is stopped: of several the one that is in place for the
    /// shortest time. What follows is foretold for it.
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
        let faults = by_fault(&plan);
        let shortest = faults.iter().min_by(|one, other| one.seconds.total_cmp(&other.seconds));
        let Fault { seconds: fault_seconds, times } = shortest.copied().unwrap_or_default();
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
                rate: match metric.tolerance {
                    Tolerance::Absolute(_) => earlier.and_then(super::Earlier::expected_rate),
                    // What is tolerated follows from it.
                    Tolerance::Relative(_) => earlier.and_then(super::Earlier::rate),
                },
                history: stored.map(|stored| counts(&stored, interval)),
                dispersion: None,
                onset_seconds: metric.onset.seconds() * times,
            });
        }
        let outset = Outset {
            interval,
            // What may be refuted wrongly is shared among the faults.
            alpha: plan.alpha / faults.len().max(1) as f64,
            beta: plan.beta,
            baseline_seconds: plan.baseline.seconds(),
            fault_seconds,
            metrics,
        };
        let earlier_runs = self.metrics.iter().filter_map(|metric| Some(metric.earlier.as_ref()?.runs)).max();
        Foretold {
            faults: faults.len(),
            fault_seconds,
            earlier_runs: earlier_runs.unwrap_or(0),
            forecast: outset.forecast(),
            unknown,
        }
    }
}

/// A fault that is judged by itself: for how many seconds it is in place in all, and how often.
#[derive(Debug, Clone, Copy, Default)]
struct Fault {
    seconds: f64,
    times: f64,
}

fn by_fault(plan: &RunPlan) -> Vec<Fault> {
    let mut faults: Vec<(&Option<String>, Fault)> = Vec::new();
    for planned in &plan.injections {
        let place = faults.iter().position(|(name, _)| **name == planned.name).unwrap_or_else(|| {
            faults.push((&planned.name, Fault::default()));
            faults.len() - 1
        });
        faults[place].1.seconds += planned.duration.seconds();
        faults[place].1.times += 1.0;
    }
    faults.into_iter().map(|(_, fault)| fault).collect()
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

//! What earlier runs of an experiment measured of a metric before their faults.

use steadfast_analysis::LONG_ENOUGH;
use steadfast_model::{
    Event, Phase,
    event::{Known, RunPlan, StoredHistory},
    sample::Increment,
};

/// Length of a block in seconds: the shortest blocks that dispersion is learned from.
const BLOCK: f64 = 60.0;
/// Most blocks kept: three hours.
const MOST: usize = 180;

/// What earlier runs measured of a metric before their faults.
#[derive(Debug, Clone, PartialEq)]
pub struct Earlier {
    /// Number of runs.
    pub runs: u64,
    /// All that was measured.
    pub sum: Increment,
    /// For how many seconds.
    pub seconds: f64,
    /// Counts of whole minutes, oldest first. No block holds parts of two runs.
    blocks: Vec<Increment>,
    block_seconds: f64,
}

impl Earlier {
    /// What these runs, oldest first, measured of the metric number `index` of `plan`. Only runs with the same interval
    /// and parameters whose metric of the same name counts the same are asked, and of those only such that found a
    /// steady state. Nothing when there is none.
    #[must_use]
    pub fn of(plan: &RunPlan, parameters: &Parameters, index: usize, runs: &[Vec<Event>]) -> Option<Self> {
        let metric = plan.metrics.get(index)?;
        let interval = plan.interval.seconds();
        let each = intervals(interval);
        let block_seconds = each as f64 * interval;
        let mut found =
            Self { runs: 0, sum: Increment::default(), seconds: 0.0, blocks: vec![], block_seconds };
        for events in runs {
            let known = || events.iter().filter_map(|event| event.body.known());
            let fits = known().any(|known| {
                let Known::RunStarted { plan: other, parameters: theirs, .. } = known else { return false };
                let same = |other: &steadfast_model::event::PlannedMetric| {
                    other.name == metric.name && other.describes == metric.describes
                };
                other.interval == plan.interval && theirs == parameters && other.metrics.iter().any(same)
            });
            if fits && known().any(|known| matches!(known, Known::SteadyStateJudged { met: true, .. })) {
                found.take(known(), &metric.name, each, interval);
            }
        }
        let surplus = found.blocks.len().saturating_sub(MOST);
        found.blocks.drain(..surplus);
        (found.runs > 0).then_some(found)
    }

    fn take<'a>(&mut self, known: impl Iterator<Item = &'a Known>, name: &str, each: usize, interval: f64) {
        let mut samples = Vec::new();
        for known in known {
            if let Known::Sampled { phase: Phase::Baseline, metrics, .. } = known {
                let sample = metrics.iter().find(|sample| sample.metric == name);
                samples.push(sample.and_then(|sample| sample.increment));
            }
        }
        self.runs += 1;
        for increment in samples.iter().flatten() {
            add(&mut self.sum, *increment);
            self.seconds += interval;
        }
        // The newest part of a baseline is nearest to how the system is under the fault: blocks are counted from there.
        let whole = samples.rchunks_exact(each).filter_map(|block| {
            let mut sum = Increment::default();
            for increment in block {
                add(&mut sum, (*increment)?);
            }
            Some(sum)
        });
        let mut blocks: Vec<_> = whole.collect();
        blocks.reverse();
        self.blocks.extend(blocks);
    }

    /// What a run may learn dispersion from; nothing when that is too little.
    #[must_use]
    pub fn stored(&self) -> Option<StoredHistory> {
        let enough = self.blocks.len() as f64 * self.block_seconds >= LONG_ENOUGH;
        enough.then(|| StoredHistory { runs: self.runs, blocks: self.blocks.clone() })
    }

    /// Events a second.
    #[must_use]
    pub fn traffic(&self) -> f64 {
        self.sum.total as f64 / self.seconds.max(1e-3)
    }

    /// Share of bad events; nothing without traffic.
    #[must_use]
    pub fn rate(&self) -> Option<f64> {
        (self.sum.total > 0).then(|| self.sum.bad as f64 / self.sum.total as f64)
    }

    /// The share to be expected: half an event more, since none of a few is not none at all.
    #[must_use]
    pub fn expected_rate(&self) -> Option<f64> {
        (self.sum.total > 0).then(|| (self.sum.bad as f64 + 0.5) / (self.sum.total as f64 + 1.0))
    }
}

/// Values of a document's parameters.
type Parameters = std::collections::BTreeMap<String, String>;

/// Intervals in a block: as many as fit into a minute, at least one.
pub(crate) fn intervals(interval: f64) -> usize {
    ((BLOCK / interval.max(1e-3)) as usize).max(1)
}

fn add(sum: &mut Increment, other: Increment) {
    sum.bad = sum.bad.saturating_add(other.bad);
    sum.total = sum.total.saturating_add(other.total);
}

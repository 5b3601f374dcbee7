//! What is remembered of one metric while a run happens.

use crate::evidence::Mixture;
use crate::{Counts, Estimate, Interval, Metric, Tally, Unsteady, estimate, steady};

/// One metric under watch. Sums only: every interval costs the same.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    /// Setup, without fault counts.
    pub(super) metric: Metric,
    pub(super) baseline: Tally,
    pub(super) baseline_completeness: f64,
    pub(super) estimate: Estimate,
    pub(super) unsteady: Option<Unsteady>,
    /// Sum until the stop or the end.
    pub(super) fault: Tally,
    pub(super) intervals: usize,
    pub(super) present: usize,
    /// Sum over everything fed, for the evidence that is reported.
    followed: Tally,
    pub(super) ln_evidence: Vec<f64>,
}

impl Watch {
    pub(super) fn new(metric: &Metric, interval: Interval, alpha: f64) -> Self {
        Self {
            baseline: metric.baseline.sum(),
            baseline_completeness: metric.baseline.completeness(),
            estimate: estimate(metric, interval),
            unsteady: steady(metric, interval, alpha).into_iter().find(|problem| problem.shown()),
            metric: Metric { fault: Counts::default(), ..metric.clone() },
            fault: Tally::default(),
            intervals: 0,
            present: 0,
            followed: Tally::default(),
            ln_evidence: Vec::new(),
        }
    }

    /// Adds one interval; counts it only while `running`.
    pub(super) fn feed(&mut self, entry: Option<Tally>, running: bool, harm: &Mixture) {
        if let Some(tally) = entry {
            self.followed.add(tally);
        }
        if running {
            self.fault = self.followed;
            self.intervals += 1;
            self.present += usize::from(entry.is_some());
        }
        let ln_evidence = match (entry, self.ln_evidence.last()) {
            // A gap adds nothing.
            (None, latest) => latest.copied().unwrap_or(0.0),
            (Some(_), _) => {
                let phi = self.estimate.dispersion.abort;
                harm.evidence(self.metric.tolerance, self.followed, self.baseline, phi)
            }
        };
        self.ln_evidence.push(ln_evidence);
    }

    /// Evidence of harm so far.
    pub(super) fn latest(&self) -> f64 {
        self.ln_evidence.last().copied().unwrap_or(0.0)
    }

    pub(super) fn completeness(&self) -> f64 {
        if self.intervals == 0 { 0.0 } else { self.present as f64 / self.intervals as f64 }
    }
}

//! What is remembered of one metric while a run happens.

use super::Entry;
use super::beside::Beside;
use crate::dispersion::{Learned, Rule};
use crate::evidence::Mixture;
use crate::{Estimate, Interval, Metric, Tally, Tolerance, Unsteady, steady};

/// One metric under watch. Sums only: every interval costs the same.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    pub(super) name: String,
    pub(super) tolerance: Tolerance,
    pub(super) baseline: Tally,
    pub(super) baseline_completeness: f64,
    pub(super) learned: Learned,
    rule: Rule,
    pub(super) beside: Option<Beside>,
    pub(super) seconds_each: f64,
    pub(super) unsteady: Option<Unsteady>,
    /// Sum until the stop or the end.
    pub(super) fault: Tally,
    /// The same without the onset.
    pub(super) settled: Tally,
    pub(super) intervals: usize,
    pub(super) present: usize,
    /// The window was over before the run was.
    pub(super) closed: bool,
    /// Intervals of the window that were followed, after a stop as well.
    within: usize,
    /// Sum over everything fed, for the evidence that is reported.
    followed: Tally,
    pub(super) ln_evidence: Vec<f64>,
}

impl Watch {
    pub(super) fn new(metric: &Metric, interval: Interval, alpha: f64) -> Self {
        let learned = Learned::of(metric, interval);
        let rule = learned.rule_for(metric);
        Self {
            baseline: metric.baseline.sum(),
            baseline_completeness: metric.baseline_completeness(),
            learned,
            rule,
            beside: Beside::new(metric, &rule),
            seconds_each: interval.seconds(),
            unsteady: steady(metric, interval, alpha).into_iter().find(|problem| problem.shown()),
            name: metric.name.clone(),
            tolerance: metric.tolerance,
            fault: Tally::default(),
            settled: Tally::default(),
            intervals: 0,
            present: 0,
            closed: false,
            within: 0,
            followed: Tally::default(),
            ln_evidence: Vec::new(),
        }
    }

    /// Adds one interval; counts it only while `running`.
    pub(super) fn feed(&mut self, entry: Entry, running: bool, harm: &Mixture) {
        if entry.outside || self.closed {
            self.ln_evidence.push(self.latest());
            return;
        }
        let control = entry.control.and_then(Tally::usable);
        let settled = !entry.onset;
        let entry = entry.counted.and_then(Tally::usable);
        self.within += 1;
        // Beside a control group an interval counts only when both were measured.
        let entry = entry.filter(|_| self.beside.is_none() || control.is_some());
        if let Some(tally) = entry {
            self.followed.add(tally);
        }
        if running {
            self.fault = self.followed;
            if let Some(tally) = entry.filter(|_| settled) {
                self.settled.add(tally);
            }
            self.intervals += 1;
            self.present += usize::from(entry.is_some());
        }
        let ln_evidence = match (entry, control, &mut self.beside) {
            // A gap adds nothing.
            (None, ..) => self.latest(),
            (Some(ours), Some(theirs), Some(beside)) => beside.feed(ours, theirs, running),
            (Some(_), ..) => {
                let elapsed = self.within as f64 * self.seconds_each;
                let phi = self.rule.at(elapsed).dispersion.abort;
                harm.evidence(self.tolerance, self.followed, self.baseline, phi)
            }
        };
        self.ln_evidence.push(ln_evidence);
    }

    /// Length of the fault window until the stop or the end, gaps included.
    pub(super) fn seconds(&self) -> f64 {
        self.intervals as f64 * self.seconds_each
    }

    /// Dispersion at the stop or the end.
    pub(super) fn estimate(&self) -> Estimate {
        self.rule.at(self.seconds())
    }

    /// Evidence of harm so far.
    pub(super) fn latest(&self) -> f64 {
        self.ln_evidence.last().copied().unwrap_or(0.0)
    }

    pub(super) fn completeness(&self) -> f64 {
        if self.intervals == 0 { 0.0 } else { self.present as f64 / self.intervals as f64 }
    }
}

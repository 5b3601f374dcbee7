//! A metric beside a control group.

use crate::dispersion::Rule;
use crate::evidence::{ControlEvidence, Mixture};
use crate::finding::ControlFinding;
use crate::{Control, Metric, Tally, Tolerance};

/// What is remembered of the control group, and the evidence against it.
#[derive(Clone, Debug)]
pub(super) struct Beside {
    baseline: Tally,
    /// Sum until the stop or the end, over intervals in which both groups were measured.
    pub(super) fault: Tally,
    harm: ControlEvidence,
    hold: ControlEvidence,
    hold_at_end: f64,
    ratio_tolerated: f64,
}

impl Beside {
    /// Gets ready to compare with the metric's control group, if it has one.
    pub(super) fn new(metric: &Metric, rule: &Rule) -> Option<Self> {
        let control: &Control = metric.control.as_ref()?;
        let rho = match metric.tolerance {
            Tolerance::Relative(rho) => rho,
            // Refused when the document is checked.
            Tolerance::Absolute(_) => return None,
        };
        let dispersion = rule.at(0.0).dispersion;
        Some(Self {
            baseline: control.baseline.sum(),
            fault: Tally::default(),
            harm: ControlEvidence::new(Mixture::harm(), rho, dispersion.abort),
            hold: ControlEvidence::new(Mixture::hold(), rho, dispersion.end),
            hold_at_end: 0.0,
            ratio_tolerated: rho,
        })
    }

    /// Adds one interval of both groups and answers the evidence of harm; counts it only while `running`.
    pub(super) fn feed(&mut self, ours: Tally, theirs: Tally, running: bool) -> f64 {
        if running {
            self.fault.add(theirs);
            self.hold_at_end = self.hold.feed(ours, theirs);
        }
        self.harm.feed(ours, theirs)
    }

    /// The largest share that was acceptable beside this group.
    pub(super) fn tolerated(&self) -> Option<f64> {
        self.fault.rate().map(|rate| self.ratio_tolerated * rate)
    }

    /// Evidence of holding, `ln E`, at the stop or the end.
    pub(super) fn ln_hold(&self) -> f64 {
        self.hold_at_end
    }

    /// The evidence of holding so far if all that was seen had come this many times, one after the other.
    pub(super) fn hold_times(&self, times: f64) -> f64 {
        self.hold.times(times)
    }

    pub(super) fn finding(&self) -> ControlFinding {
        let Self { baseline, fault, .. } = *self;
        ControlFinding { baseline, fault, baseline_rate: baseline.rate(), fault_rate: fault.rate() }
    }
}

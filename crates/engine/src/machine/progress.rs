//! Where a run stands, for people who watch.

use steadfast_analysis::Step;
use steadfast_model::Phase;

use super::{Machine, Place};

/// Where a run stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// The phase; [`Phase::Recover`] also while the next fault is waited for.
    pub phase: Phase,
    /// Intervals measured in this phase.
    pub done: u64,
    /// Intervals it lasts, at most; nothing when it lasts as long as it takes.
    pub of: Option<u64>,
    /// Intervals measured in the fault window, with the waits between faults.
    pub window: u64,
    /// The evidence so far, once there is any.
    pub evidence: Option<Step>,
}

impl Machine {
    /// Where the run stands.
    #[must_use]
    pub fn progress(&self) -> Progress {
        let since = self.measured.intervals - self.since;
        let window = self.measured.window;
        // Of several faults the one that stays longest; of several to come the first.
        let places = |place| self.injections.iter().filter(move |injection| injection.place == place);
        let current = places(Place::Injected).max_by_key(|one| one.injected_at + one.intervals);
        let next = places(Place::Untouched).filter_map(|injection| injection.due.at()).min();
        let waits = self.phase == Phase::Recover && !self.closed;
        let (done, of) = match self.phase {
            Phase::Baseline => (since, Some(self.schedule.baseline)),
            Phase::Recover if waits => {
                let began = window.saturating_sub(since);
                (since, next.map(|next| next.saturating_sub(began)).filter(|&of| of > since))
            }
            Phase::VerifyEffect | Phase::Observe => {
                let in_place = current.map_or(0, |injection| window - injection.injected_at);
                (in_place, current.map(|injection| injection.intervals))
            }
            Phase::Recover => (since, Some(self.schedule.recovery)),
            _ => (since, None),
        };
        Progress {
            phase: self.phase,
            done,
            of,
            window: self.measured.window,
            evidence: self.measured.step.clone(),
        }
    }
}

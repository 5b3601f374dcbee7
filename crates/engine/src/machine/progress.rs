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
        let current = &self.injections.get(self.current);
        let in_place = current.map_or(0, |injection| self.measured.window - injection.injected_at);
        let since = self.measured.intervals - self.since;
        let waits = self.phase == Phase::Observe
            && current.is_some_and(|injection| injection.place == Place::Untouched);
        let (done, of) = match self.phase {
            Phase::Baseline => (since, Some(self.schedule.baseline)),
            Phase::Observe if waits => {
                let began = self.measured.window.saturating_sub(since);
                (since, current.map(|injection| injection.offset.saturating_sub(began)))
            }
            Phase::VerifyEffect | Phase::Observe => (in_place, current.map(|injection| injection.intervals)),
            Phase::Recover => (since, Some(self.schedule.recovery)),
            _ => (since, None),
        };
        Progress {
            phase: if waits { Phase::Recover } else { self.phase },
            done,
            of,
            window: self.measured.window,
            evidence: self.measured.step.clone(),
        }
    }
}

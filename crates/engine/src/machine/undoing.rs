//! Taking faults away, and making sure that they are gone.

use steadfast_model::{Effect, InjectionId, Phase, event::Known};

use super::{Action, Machine, Place, measured::Times};
use crate::reason::Reason;

/// Failed attempts after which taking a fault away is left to the reaper.
const ATTEMPTS: u32 = 10;

impl Machine {
    /// Ends the run from wherever it is: whatever may be in place is taken away first.
    pub(super) fn end_early(&mut self, out: &mut Vec<Action>) {
        self.close();
        let waiting = |place| matches!(place, Place::Ordered | Place::Injected);
        let there: Vec<usize> =
            (0..self.injections.len()).filter(|&index| waiting(self.injections[index].place)).collect();
        for &index in &there {
            self.revert(index, out);
        }
        match self.phase {
            Phase::Preflight | Phase::Baseline => self.begin_to_conclude(out),
            Phase::Observe => self.settled(out),
            Phase::Recover => self.begin_to_conclude(out),
            _ => {}
        }
    }

    /// Ends the fault window.
    pub(super) fn close(&mut self) {
        if !self.closed {
            self.closed = true;
            self.removed_at = self.measured.window;
        }
    }

    pub(super) fn revert(&mut self, index: usize, out: &mut Vec<Action>) {
        self.injections[index].place = Place::Reverting;
        self.injections[index].gone = None;
        self.enter(Phase::Revert, out);
        out.push(Action::Revert(self.injections[index].id));
    }

    pub(super) fn reverted(&mut self, id: InjectionId, out: &mut Vec<Action>) {
        let Some(index) = self.index(id) else { return };
        if self.injections[index].place != Place::Reverting {
            return;
        }
        self.injections[index].place = Place::Reverted;
        out.push(Action::Emit(Known::FaultReverted { injection: id }));
        if self.injections[index].reversible {
            self.enter(Phase::VerifyGone, out);
            out.push(Action::ObserveGone(id));
        } else {
            self.injections[index].gone = Some(true);
            self.settled(out);
        }
    }

    pub(super) fn revert_failed(
        &mut self,
        id: InjectionId,
        why: String,
        abandoned: bool,
        manual: Vec<String>,
        out: &mut Vec<Action>,
    ) {
        let Some(index) = self.index(id) else { return };
        if self.injections[index].place != Place::Reverting {
            return;
        }
        let (injection, event_manual) = (id, manual.clone());
        out.push(Action::Emit(Known::RevertFailed {
            injection,
            why: why.clone(),
            abandoned,
            manual: event_manual,
        }));
        let injection = &mut self.injections[index];
        injection.failures += 1;
        let target = injection.target.clone();
        if abandoned {
            injection.place = Place::GivenUp;
            self.ending.fail(Reason::RevertAbandoned { target, why, manual }.into());
        } else if injection.failures >= ATTEMPTS {
            injection.place = Place::GivenUp;
            self.ending.fail(Reason::RevertFailed { target, why }.into());
        } else {
            out.push(Action::Revert(id));
            return;
        }
        self.end_early(out);
        self.settled(out);
    }

    pub(super) fn give_up_reverting(&mut self, out: &mut Vec<Action>) {
        for index in 0..self.injections.len() {
            if self.injections[index].place == Place::Reverting {
                self.injections[index].place = Place::GivenUp;
                let target = self.injections[index].target.clone();
                let why = "there was no answer in time".to_owned();
                self.ending.fail(Reason::RevertFailed { target, why }.into());
            }
        }
        self.end_early(out);
        self.settled(out);
    }

    pub(super) fn gone_observed(&mut self, id: InjectionId, effect: Effect, out: &mut Vec<Action>) {
        let Some(index) = self.index(id) else { return };
        let injection = &mut self.injections[index];
        if injection.place != Place::Reverted || injection.gone.is_some() {
            return;
        }
        if injection.see_after(&effect) {
            out.push(Action::Emit(Known::GoneObserved { injection: id, effect }));
        }
        if injection.gone.is_some() {
            self.settled(out);
        }
    }

    pub(super) fn give_up_looking(&mut self, out: &mut Vec<Action>) {
        for injection in &mut self.injections {
            if injection.place == Place::Reverted && injection.gone.is_none() {
                injection.gone = Some(false);
            }
        }
        self.close();
        self.settled(out);
    }

    /// Goes on when nothing is in place any more and it is known whether it is gone.
    pub(super) fn settled(&mut self, out: &mut Vec<Action>) {
        if self.phase >= Phase::Conclude
            || self.injections.iter().any(super::injection::Injection::may_be_in_place)
        {
            return;
        }
        let open =
            |injection: &&super::Injection| injection.place == Place::Reverted && injection.gone.is_none();
        if let Some(id) = self.injections.iter().find(open).map(|injection| injection.id) {
            if self.phase != Phase::VerifyGone {
                self.enter(Phase::VerifyGone, out);
                out.push(Action::ObserveGone(id));
            }
            return;
        }
        let next = self.injections.iter().position(|injection| injection.place == Place::Untouched);
        if let Some(next) = next.filter(|_| !self.closed) {
            self.current = next;
            self.wait(out);
            self.go_on(out);
        } else if self.ending.at_once()
            || self.recovery.is_some()
            || self.injections.iter().any(|injection| injection.gone == Some(false))
        {
            self.begin_to_conclude(out);
        } else {
            self.enter(Phase::Recover, out);
            self.look_for_recovery(out);
        }
    }

    /// Looks whether the system is back, once its recovery is watched.
    pub(super) fn look_for_recovery(&mut self, out: &mut Vec<Action>) {
        if self.phase != Phase::Recover {
            return;
        }
        let last = self.injections.iter().rev().find(|injection| injection.place != Place::Untouched);
        let Some(last) = last else { return };
        let start = if last.reversible { self.removed_at } else { last.ordered_at };
        let index = |interval: u64| usize::try_from(interval).unwrap_or(usize::MAX);
        let (ordered, injected) = (index(last.ordered_at), index(last.injected_at.max(last.ordered_at)));
        let times = Times { ordered, injected, start: index(start) };
        let recovery = self.measured.recovered(times, !last.reversible);
        let over = self.measured.intervals - self.since >= self.schedule.recovery;
        if recovery.sure || over {
            let within = self.plan.recovery_within.map(steadfast_model::Duration::seconds);
            let (seconds, harm) = (recovery.seconds, recovery.harm.clone());
            out.push(Action::Emit(Known::RecoveryMeasured { seconds, within, harm }));
            self.recovery = Some(recovery);
            self.begin_to_conclude(out);
        }
    }
}

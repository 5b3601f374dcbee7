//! Taking faults away, and making sure that they are gone.

use steadfast_model::{Effect, InjectionId, Phase, event::Known};

use super::{Action, Machine, Place, measured::Times};
use crate::reason::Reason;

/// Failed attempts after which taking a fault away is left to the reaper.
const ATTEMPTS: u32 = 10;

impl Machine {
    /// Ends the run from wherever it is: whatever may be in place is taken away first.
    pub(super) fn end_early(&mut self, out: &mut Vec<Action>) {
        let was_over = std::mem::replace(&mut self.closed, true);
        self.stop_commands(out);
        for index in 0..self.injections.len() {
            if matches!(self.injections[index].place, Place::Ordered | Place::Injected) {
                self.revert(index, out);
            }
        }
        match self.phase {
            Phase::Preflight | Phase::Baseline => self.begin_to_conclude(out),
            Phase::Recover if was_over => self.begin_to_conclude(out),
            // Between two faults. From here on it is another recovery.
            Phase::Recover => {
                self.enter(Phase::Recover, out);
                self.advance(out);
            }
            Phase::Check | Phase::Conclude | Phase::Done => {}
            _ => self.advance(out),
        }
    }

    pub(super) fn revert(&mut self, index: usize, out: &mut Vec<Action>) {
        let window = self.measured.window;
        let injection = &mut self.injections[index];
        if injection.place != Place::Reverted {
            injection.removed_at = window;
        }
        injection.gone = None;
        let id = injection.id;
        self.put(index, Place::Reverting, out);
        out.push(Action::Revert(id));
    }

    pub(super) fn reverted(&mut self, id: InjectionId, out: &mut Vec<Action>) {
        let Some(index) = self.index(id) else { return };
        if self.injections[index].place != Place::Reverting {
            return;
        }
        out.push(Action::Emit(Known::FaultReverted { injection: id }));
        if self.injections[index].reversible {
            self.put(index, Place::Reverted, out);
            out.push(Action::ObserveGone(id));
        } else {
            // There is nothing to look for.
            self.injections[index].gone = Some(true);
            self.injections[index].place = Place::Reverted;
            self.advance(out);
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
            self.advance(out);
        }
    }

    /// Ends waits that have no answer.
    pub(super) fn give_up_waiting(&mut self, out: &mut Vec<Action>) {
        let now = self.measured.intervals;
        let why = || "there was no answer in time".to_owned();
        for index in 0..self.injections.len() {
            let injection = &mut self.injections[index];
            let (target, waited) = (injection.target.clone(), now - injection.since);
            match injection.place {
                Place::Ordered if waited >= self.schedule.injecting => {
                    self.ending.fail(Reason::InjectionFailed { target, why: why() }.into());
                }
                Place::Reverting if waited >= self.schedule.reverting => {
                    injection.place = Place::GivenUp;
                    self.ending.fail(Reason::RevertFailed { target, why: why() }.into());
                }
                Place::Reverted if injection.gone.is_none() && waited >= self.schedule.vanishing => {
                    injection.gone = Some(false);
                }
                _ => continue,
            }
            self.end_early(out);
        }
        self.give_up_on_commands(out);
    }

    /// Goes on: with what is next, or to the end when nothing is in place, running or to come.
    pub(super) fn advance(&mut self, out: &mut Vec<Action>) {
        self.start_due(out);
        self.show_phase(out);
        let open = |injection: &super::Injection| match injection.place {
            Place::Untouched => !self.closed,
            _ => !injection.settled(),
        };
        if self.phase >= Phase::Conclude || self.injections.iter().any(open) {
            return;
        }
        self.closed = true;
        let waits = self.commands.iter().any(|command| !command.over());
        if waits {
            // Meanwhile the recovery is watched.
        } else if self.ending.at_once()
            || self.concluding
            || self.recovery.is_some()
            // Nothing was done that there could be a recovery from.
            || self.injections.iter().all(|injection| injection.place == Place::Untouched)
            || self.injections.iter().any(|injection| injection.gone == Some(false))
        {
            self.begin_to_conclude(out);
        } else {
            self.look_for_recovery(out);
        }
    }

    /// Looks whether the system is back, once its recovery is watched.
    pub(super) fn look_for_recovery(&mut self, out: &mut Vec<Action>) {
        if self.phase != Phase::Recover || !self.closed {
            return;
        }
        if self.recovery.is_none() {
            let Some((times, from_harm)) = self.last_faults() else { return };
            let recovery = self.measured.recovered(times, from_harm);
            let over = self.measured.intervals - self.since >= self.schedule.recovery;
            if !recovery.sure && !over {
                return;
            }
            let within = self.plan.recovery_within.map(steadfast_model::Duration::seconds);
            let (seconds, harm) = (recovery.seconds, recovery.harm.clone());
            out.push(Action::Emit(Known::RecoveryMeasured { seconds, within, harm }));
            self.recovery = Some(recovery);
        }
        if self.commands.iter().all(super::Command::over) {
            self.begin_to_conclude(out);
        }
    }

    /// When the faults of the last step came and went, and whether one ends by itself, so that harm may show later.
    fn last_faults(&self) -> Option<(Times, bool)> {
        let touched = || self.injections.iter().filter(|injection| injection.place != Place::Untouched);
        let step = touched().map(|injection| injection.due.turn.step).max()?;
        let last = || touched().filter(|injection| injection.due.turn.step == step);
        let start = last().map(|one| if one.reversible { one.removed_at } else { one.ordered_at }).max()?;
        let injected = last().map(|one| one.injected_at.max(one.ordered_at)).min()?;
        let ordered = last().map(|one| one.ordered_at).min()?;
        let index = |interval: u64| usize::try_from(interval).unwrap_or(usize::MAX);
        let times = Times { ordered: index(ordered), injected: index(injected), start: index(start) };
        Some((times, last().any(|one| !one.reversible)))
    }
}

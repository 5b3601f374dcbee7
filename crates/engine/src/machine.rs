//! The state machine of a run: inputs in, state and actions out.
//!
//! It never waits, reads a clock or touches a machine, and it knows nothing but what a [`Known::RunStarted`] event
//! holds. So a run can be replayed from its events, see [`mod@crate::replay`].
//!
//! From every state in which a fault may be in place, every path to [`Action::Finish`] goes through
//! [`Action::Revert`].
//!
//! ```text
//! check → preflight → baseline → inject → verifyEffect → observe → revert → verifyGone → recover → conclude → done
//!    └─────────┴──────────┴──────── refused ───────────────┬──────────────────────────────────────────↗
//!                            ↖────── next injections ──────┘
//! ```
//!
//! Every injection goes its way by itself, when its turn has come; the phase says what the least settled of them is at.
//! What is judged by itself is in `lines`.

mod action;
mod borders;
mod commands;
mod conclude;
mod ending;
mod harm;
mod injection;
mod input;
mod lines;
mod measured;
mod progress;
mod sampling;
mod schedule;
mod undoing;

use std::collections::BTreeMap;

use steadfast_model::{
    InjectionId, Phase, RunId,
    event::{Known, RunPlan},
    verdict,
};

pub use action::Action;
pub use input::Input;
pub use measured::HOLD;
pub use progress::Progress;

use borders::Borders;
use commands::Command;
use ending::Ending;
use injection::{Injection, Place};
use lines::Line;
use measured::Measured;
use schedule::{Due, Schedule};

use crate::reason::Reason;

/// What a run is and set out to do: the contents of its first event.
#[derive(Debug, Clone, PartialEq)]
pub struct Begin {
    /// Its id.
    pub run: RunId,
    /// The name people see.
    pub name: String,
    /// The experiment's name.
    pub experiment: String,
    /// Digest of the document.
    pub document_digest: String,
    /// Values given to the document's parameters.
    pub parameters: BTreeMap<String, String>,
    /// What was planned.
    pub plan: RunPlan,
}

/// A run and where it stands.
#[derive(Debug, Clone)]
pub struct Machine {
    plan: RunPlan,
    schedule: Schedule,
    phase: Phase,
    /// Intervals measured in all when this phase began.
    since: u64,
    injections: Vec<Injection>,
    commands: Vec<Command>,
    /// What is judged by itself.
    lines: Vec<Line>,
    /// The fault window is over: no interval counts to it, no fault is put in place any more.
    closed: bool,
    measured: Measured,
    borders: Borders,
    ending: Ending,
    /// Recovery, once it was measured.
    recovery: Option<measured::Recovery>,
}

impl Machine {
    /// Begins a run.
    #[must_use]
    pub fn new(begin: Begin) -> (Self, Vec<Action>) {
        let Begin { run, name, experiment, document_digest, parameters, plan } = begin;
        let mut machine = Self {
            schedule: Schedule::new(&plan),
            phase: Phase::Check,
            since: 0,
            injections: schedule::injections(&plan),
            commands: schedule::commands(&plan),
            lines: lines::lines(&plan),
            closed: false,
            measured: Measured::new(&plan),
            borders: Borders::default(),
            ending: Ending::default(),
            recovery: None,
            plan: plan.clone(),
        };
        let started = Known::RunStarted { run, name, experiment, document_digest, parameters, plan };
        let mut actions = vec![Action::Emit(started)];
        machine.enter(Phase::Check, &mut actions);
        let problems = schedule::problems(&machine.plan);
        if problems.is_empty() {
            machine.enter(Phase::Preflight, &mut actions);
            actions.extend(machine.injections.iter().map(|injection| Action::Resolve(injection.id)));
        } else {
            machine.ending.refuse(Reason::InvalidPlan { problems }.into());
            machine.begin_to_conclude(&mut actions);
        }
        (machine, actions)
    }

    /// Takes an input in and says what to do. What comes too late, twice or out of place does nothing.
    #[must_use]
    pub fn on(&mut self, input: Input) -> Vec<Action> {
        let mut actions = Vec::new();
        if self.phase != Phase::Done {
            self.take(input, &mut actions);
        }
        actions
    }

    /// Where the run is.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// The injections whose fault may be in place now.
    #[must_use]
    pub fn may_be_in_place(&self) -> Vec<InjectionId> {
        let there = self.injections.iter().filter(|injection| injection.may_be_in_place());
        there.map(|injection| injection.id).collect()
    }

    fn take(&mut self, input: Input, out: &mut Vec<Action>) {
        match input {
            Input::TargetsResolved { injection, target, resolved, preview } => {
                if self.phase == Phase::Preflight
                    && let Some(index) = self.index(injection)
                    && !self.injections[index].resolved
                {
                    self.injections[index].resolved = true;
                    out.push(Action::Emit(Known::TargetsResolved { injection, target, resolved, preview }));
                    self.start_when_ready(out);
                }
            }
            Input::SetupFailed { reason } => {
                if matches!(self.phase, Phase::Preflight | Phase::Baseline) {
                    self.ending.refuse(reason.clone());
                    out.push(Action::Emit(Known::SetupFailed { reason }));
                    self.begin_to_conclude(out);
                }
            }
            Input::Sampled { metrics } => self.sampled(&metrics, out),
            Input::FaultInjected { injection } => self.injected(injection, out),
            Input::InjectionFailed { injection, reason } => self.injection_failed(injection, reason, out),
            Input::EffectObserved { injection, effect } => self.effect_observed(injection, effect, out),
            Input::FaultReverted { injection } => self.reverted(injection, out),
            Input::RevertFailed { injection, why, abandoned, manual } => {
                self.revert_failed(injection, why, abandoned, manual, out);
            }
            Input::GoneObserved { injection, effect } => self.gone_observed(injection, effect, out),
            Input::GuardTripped { guard, why } => {
                if self.phase < Phase::Conclude && self.ending.guard.is_none() {
                    self.ending.guard = Some((guard.clone(), why.clone()));
                    out.push(Action::Emit(Known::GuardTripped { guard, why }));
                    self.end_early(out);
                }
            }
            Input::StopRequested { by } => {
                if self.phase < Phase::Conclude && self.ending.person.is_none() {
                    self.ending.person = Some(by.clone());
                    out.push(Action::Emit(Known::StopRequested { by }));
                    self.end_early(out);
                }
            }
            Input::LeaseLost { injection, why } => self.lease_lost(injection, why, out),
            Input::CommandEnded { command, succeeded, how } => {
                self.command_ended(command, succeeded, how, out);
            }
            Input::JournalFailed { why } => {
                if self.ending.journal.is_none() {
                    self.ending.journal = Some(why.clone());
                    out.push(Action::Emit(Known::JournalFailed { why }));
                    self.end_early(out);
                }
            }
            Input::LoadReported { load, due, sent, good, latency_us, failures } => {
                out.push(Action::Emit(Known::LoadReported { load, due, sent, good, latency_us, failures }));
            }
            Input::Noted { what } => out.push(Action::Emit(Known::Noted { what })),
            Input::LoadsStopped => {
                if self.phase == Phase::Conclude {
                    self.finish(out);
                }
            }
        }
    }

    fn start_when_ready(&mut self, out: &mut Vec<Action>) {
        if self.injections.iter().all(|injection| injection.resolved) {
            out.push(Action::StartLoads);
            self.enter(Phase::Baseline, out);
            out.push(Action::StartSampling);
        }
    }

    /// Puts in place and starts whatever's turn and time have come.
    fn start_due(&mut self, out: &mut Vec<Action>) {
        self.start_commands(out);
        if self.closed {
            return;
        }
        for index in 0..self.injections.len() {
            let mut due = self.injections[index].due;
            let starts = self.injections[index].place == Place::Untouched && self.is_due(&mut due);
            self.injections[index].due = due;
            if starts {
                self.inject(index, out);
            }
        }
    }

    /// Whether all that comes before this is over, and its time has come.
    fn is_due(&self, due: &mut Due) -> bool {
        let injections = self.injections.iter().map(|injection| (injection.due, injection.settled()));
        let commands = self.commands.iter().map(|command| (command.due, command.over()));
        if injections.chain(commands).any(|(other, over)| !over && other.turn.precedes(due.turn)) {
            return false;
        }
        let now = self.measured.elapsed();
        due.came_at.get_or_insert(now);
        due.at().is_some_and(|at| now >= at)
    }

    fn inject(&mut self, index: usize, out: &mut Vec<Action>) {
        self.injections[index].ordered_at = self.measured.window;
        self.put(index, Place::Ordered, out);
        out.push(Action::Inject(self.injections[index].id));
    }

    /// Notes where an injection is now, and tells people where the run is.
    fn put(&mut self, index: usize, place: Place, out: &mut Vec<Action>) {
        self.injections[index].place = place;
        self.injections[index].since = self.measured.intervals;
        self.show_phase(out);
    }

    fn injected(&mut self, id: InjectionId, out: &mut Vec<Action>) {
        let Some(index) = self.index(id) else { return };
        let window = self.measured.window;
        let injection = &mut self.injections[index];
        if injection.place == Place::Untouched || std::mem::replace(&mut injection.answered, true) {
            return;
        }
        match injection.place {
            Place::Ordered => {
                injection.injected_at = window;
                out.push(Action::Emit(Known::FaultInjected { injection: id }));
                self.put(index, Place::Injected, out);
                out.push(Action::ObserveEffect(id));
            }
            // The answer was late: the fault may have come after it was taken away.
            Place::Reverting | Place::Reverted => {
                out.push(Action::Emit(Known::FaultInjected { injection: id }));
                self.revert(index, out);
            }
            Place::Untouched | Place::Injected | Place::GivenUp => {}
        }
    }

    fn injection_failed(&mut self, id: InjectionId, reason: verdict::Reason, out: &mut Vec<Action>) {
        let Some(index) = self.index(id) else { return };
        if self.injections[index].place == Place::Ordered {
            out.push(Action::Emit(Known::InjectionFailed { injection: id, reason: reason.clone() }));
            self.ending.fail(reason);
            self.end_early(out);
        }
    }

    fn effect_observed(&mut self, id: InjectionId, effect: steadfast_model::Effect, out: &mut Vec<Action>) {
        let Some(index) = self.index(id) else { return };
        let injection = &mut self.injections[index];
        if injection.place == Place::Injected && injection.see(&effect) {
            out.push(Action::Emit(Known::EffectObserved { injection: id, effect }));
            self.show_phase(out);
        }
    }

    fn lease_lost(&mut self, id: InjectionId, why: String, out: &mut Vec<Action>) {
        let Some(index) = self.index(id) else { return };
        if self.injections[index].place == Place::Injected {
            let target = self.injections[index].target.clone();
            self.ending.fail(Reason::LeaseLost { target, why: why.clone() }.into());
            out.push(Action::Emit(Known::LeaseLost { injection: id, why }));
            self.end_early(out);
        }
    }

    fn enter(&mut self, phase: Phase, out: &mut Vec<Action>) {
        self.phase = phase;
        self.since = self.measured.intervals;
        out.push(Action::Emit(Known::PhaseEntered { phase }));
    }

    /// Enters the phase that says best what goes on: what is least settled comes first. Without a fault in place people
    /// are told that the system recovers, between faults as well.
    fn show_phase(&mut self, out: &mut Vec<Action>) {
        let is = |place| self.injections.iter().any(|injection| injection.place == place);
        let unseen = |injection: &Injection| injection.place == Place::Injected && !injection.active;
        let phase = match () {
            () if is(Place::Reverting) => Phase::Revert,
            () if is(Place::Ordered) => Phase::Inject,
            () if self.injections.iter().any(unseen) => Phase::VerifyEffect,
            () if is(Place::Injected) => Phase::Observe,
            () if self.phase >= Phase::Conclude => return,
            () if self.injections.iter().any(|one| one.place == Place::Reverted && !one.settled()) => {
                Phase::VerifyGone
            }
            () => Phase::Recover,
        };
        if phase != self.phase {
            self.enter(phase, out);
        }
    }

    fn index(&self, id: InjectionId) -> Option<usize> {
        self.injections.iter().position(|injection| injection.id == id)
    }
}

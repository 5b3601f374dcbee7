//! Lengths in intervals. Everything that lasts is counted in intervals that were sampled, so that the events alone
//! say when it was over.

use std::time::Duration;

use steadfast_model::event::{PlannedInjection, RunPlan, Turn};

use super::{commands::Command, injection::Injection, lines, measured::Measured};

/// How long a run waits for an answer to an injection.
const INJECTING: Duration = Duration::from_secs(30);
/// How long a run tries to take a fault away before it leaves that to the reaper.
const REVERTING: Duration = Duration::from_secs(60);
/// How long a run waits for a program to be over after its deadline.
const ANSWERING: Duration = Duration::from_secs(30);
/// How long a run looks whether a fault is gone.
const VANISHING: Duration = Duration::from_secs(5);

/// Lengths in intervals; each at least one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schedule {
    pub(super) baseline: u64,
    pub(super) recovery: u64,
    pub(super) injecting: u64,
    pub(super) reverting: u64,
    pub(super) vanishing: u64,
}

impl Schedule {
    pub(super) fn new(plan: &RunPlan) -> Self {
        let interval = plan.interval.std();
        Self {
            baseline: intervals(plan.baseline.std(), interval),
            recovery: intervals(plan.recovery.std(), interval),
            injecting: intervals(INJECTING, interval),
            reverting: intervals(REVERTING, interval),
            vanishing: intervals(VANISHING, interval).max(2),
        }
    }
}

/// When something is to happen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Due {
    pub(super) turn: Turn,
    /// In intervals: not before this one of the fault window, and so long after its turn has come.
    pub(super) offset: u64,
    pub(super) wait: u64,
    /// The interval of the fault window in which its turn came.
    pub(super) came_at: Option<u64>,
}

impl Due {
    fn of(turn: Turn, interval: Duration) -> Self {
        Self { turn, offset: 0, wait: whole(turn.wait.std(), interval), came_at: None }
    }

    /// After the injections before it, and not before its offset.
    fn after(index: usize, offset: u64) -> Self {
        let turn = Turn { step: index, branch: 0, place: 0, wait: steadfast_model::Duration::ZERO };
        Self { turn, offset, wait: 0, came_at: None }
    }

    /// From which interval of the fault window on it happens, if that is known by now.
    pub(super) fn at(&self) -> Option<u64> {
        self.came_at.map(|came_at| (came_at + self.wait).max(self.offset))
    }
}

/// The injections of a plan, ready to go.
pub(super) fn injections(plan: &RunPlan) -> Vec<Injection> {
    let interval = plan.interval.std();
    let injection = |(index, planned): (usize, &PlannedInjection)| {
        let due = match planned.turn {
            Some(turn) => Due::of(turn, interval),
            None => Due::after(index, whole(planned.offset.std(), interval)),
        };
        Injection::new(planned, due, intervals(planned.duration.std(), interval))
    };
    plan.injections.iter().enumerate().map(injection).collect()
}

/// The programs of a plan.
pub(super) fn commands(plan: &RunPlan) -> Vec<Command> {
    let interval = plan.interval.std();
    let command = |planned: &steadfast_model::event::PlannedCommand| {
        let patience = planned.deadline.std().saturating_add(ANSWERING);
        Command::new(planned, Due::of(planned.turn, interval), intervals(patience, interval))
    };
    plan.commands.iter().map(command).collect()
}

/// Everything that is wrong with a plan.
pub(super) fn problems(plan: &RunPlan) -> Vec<String> {
    let setup = lines::spread(&Measured::new(plan).increments(), &lines::lines(plan));
    let mut found: Vec<String> = setup.check().iter().map(ToString::to_string).collect();
    if plan.interval.std() < Duration::from_millis(1) {
        found.push("interval: shorter than 1ms".to_owned());
    }
    if plan.injections.is_empty() {
        found.push("injections: empty: nothing to verify".to_owned());
    }
    for (index, injection) in plan.injections.iter().enumerate() {
        if plan.injections[..index].iter().any(|other| other.injection == injection.injection) {
            found.push(format!("injections[{index}]: its id is used twice"));
        }
        if injection.duration < plan.interval {
            let (duration, interval) = (injection.duration, plan.interval);
            found.push(format!("injections[{index}]: {duration} is shorter than an interval ({interval})"));
        }
    }
    found
}

/// At least one.
fn intervals(length: Duration, interval: Duration) -> u64 {
    whole(length, interval).max(1)
}

/// Whole intervals in `length`.
fn whole(length: Duration, interval: Duration) -> u64 {
    u64::try_from(length.as_nanos() / interval.as_nanos().max(1)).unwrap_or(u64::MAX)
}

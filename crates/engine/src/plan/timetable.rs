//! Which step of a plan comes when.

use std::time::Duration;

use steadfast_model::event::{PlannedCommand, PlannedInjection, Turn};

use super::{Injection, Item, Step};

/// The steps of a plan, each at its place.
#[derive(Debug, Default)]
pub(super) struct Timetable {
    /// Waits before anything is done: they make the baseline longer.
    pub(super) waited: Duration,
    /// From the first step after these waits to the end of the last, when all takes as long as planned.
    pub(super) length: Duration,
    pub(super) injections: Vec<PlannedInjection>,
    pub(super) commands: Vec<PlannedCommand>,
}

impl Timetable {
    pub(super) fn of(steps: &[Step]) -> Self {
        let mut table = Self::default();
        let mut wait = Duration::ZERO;
        for (step, Step { branches }) in steps.iter().enumerate() {
            let nothing_yet = table.injections.is_empty() && table.commands.is_empty();
            if let [branch] = &branches[..]
                && let [Item::Wait(time)] = branch[..]
            {
                *(if nothing_yet { &mut table.waited } else { &mut wait }) += time.std();
                continue;
            }
            let (began, wait) = (table.length, std::mem::take(&mut wait));
            for (branch, items) in branches.iter().enumerate() {
                let ended = table.branch((step, branch), began, wait, items);
                table.length = table.length.max(ended);
            }
        }
        table
    }

    /// Adds the items of a branch and answers when it ends.
    fn branch(
        &mut self,
        (step, branch): (usize, usize),
        began: Duration,
        mut wait: Duration,
        items: &[Item],
    ) -> Duration {
        let mut at = began;
        for (place, item) in items.iter().enumerate() {
            let turn = |wait: Duration| Some(Turn { step, branch, place, wait: wait.into() });
            match item {
                Item::Wait(time) => wait += time.std(),
                Item::Inject(injection) => {
                    at += wait;
                    self.injections.push(planned(injection, at, turn(std::mem::take(&mut wait))));
                    at += injection.duration.std();
                }
                Item::Run(command) => {
                    at += wait + command.deadline.std();
                    self.commands.push(PlannedCommand {
                        describes: command.describe(),
                        deadline: command.deadline,
                        turn: Turn { step, branch, place, wait: std::mem::take(&mut wait).into() },
                    });
                }
            }
        }
        at
    }
}

fn planned(injection: &Injection, offset: Duration, turn: Option<Turn>) -> PlannedInjection {
    PlannedInjection {
        injection: injection.id,
        fault: serde_json::to_value(&injection.fault).expect("faults are plain data with text keys"),
        target: injection.target.clone(),
        duration: injection.duration,
        offset: offset.into(),
        reversible: injection.fault.as_fault().reversible(),
        turn,
        name: injection.name.clone(),
    }
}

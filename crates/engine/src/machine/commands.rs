//! Programs of the method.

use steadfast_model::event::{Known, PlannedCommand};

use super::{Action, Machine, schedule::Due};
use crate::reason::Reason;

/// Where a program stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    /// Since this interval of the run.
    Running(u64),
    Over,
}

/// One program of the run.
#[derive(Debug, Clone)]
pub(super) struct Command {
    pub(super) due: Due,
    describes: String,
    /// The longest time to wait for its end, in intervals.
    patience: u64,
    state: State,
}

impl Command {
    pub(super) fn new(planned: &PlannedCommand, due: Due, patience: u64) -> Self {
        Self { due, describes: planned.describes.clone(), patience, state: State::Waiting }
    }

    pub(super) fn over(&self) -> bool {
        self.state == State::Over
    }

    fn running(&self) -> bool {
        matches!(self.state, State::Running(_))
    }
}

impl Machine {
    /// Starts the programs whose time has come.
    pub(super) fn start_commands(&mut self, out: &mut Vec<Action>) {
        for index in 0..self.commands.len() {
            let Command { mut due, state, .. } = self.commands[index];
            let starts = state == State::Waiting && self.is_due(&mut due);
            self.commands[index].due = due;
            if starts {
                self.commands[index].state = State::Running(self.measured.intervals);
                out.push(Action::Emit(Known::CommandStarted { command: index }));
                out.push(Action::Run(index));
            }
        }
    }

    pub(super) fn command_ended(
        &mut self,
        index: usize,
        succeeded: bool,
        how: String,
        out: &mut Vec<Action>,
    ) {
        let Some(command) = self.commands.get_mut(index).filter(|command| command.running()) else { return };
        command.state = State::Over;
        let command = command.describes.clone();
        out.push(Action::Emit(Known::CommandEnded { command: index, succeeded, how: how.clone() }));
        if succeeded {
            self.advance(out);
        } else {
            self.ending.fail(Reason::CommandFailed { command, why: how }.into());
            self.end_early(out);
        }
    }

    /// Ends the programs that run; those that wait never will.
    pub(super) fn stop_commands(&mut self, out: &mut Vec<Action>) {
        if self.commands.iter().any(Command::running) {
            out.push(Action::StopCommands);
        }
        for index in 0..self.commands.len() {
            let was = std::mem::replace(&mut self.commands[index].state, State::Over);
            if matches!(was, State::Running(_)) {
                let how = "it was ended with the run".to_owned();
                out.push(Action::Emit(Known::CommandEnded { command: index, succeeded: false, how }));
            }
        }
    }

    /// Ends the run when a program has not answered, although its deadline is over.
    pub(super) fn give_up_on_commands(&mut self, out: &mut Vec<Action>) {
        let now = self.measured.intervals;
        let late = |command: &&Command| matches!(command.state, State::Running(since) if now - since >= command.patience);
        if let Some(command) = self.commands.iter().find(late).map(|command| command.describes.clone()) {
            let why = "there was no answer in time".to_owned();
            self.ending.fail(Reason::CommandFailed { command, why }.into());
            self.end_early(out);
        }
    }
}

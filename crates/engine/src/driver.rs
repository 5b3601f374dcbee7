//! Does what the machine says and tells it what happened.
//!
//! Everything that may take long runs as a task of its own; the driver itself only waits for the next thing to
//! happen, so that a stop or a guard is heard at once. When the driver is dropped, its tasks end, leases are not
//! renewed any more, and the reaper takes the faults away.

mod faults;
mod freshness;
mod journal;
mod look;
mod sampling;
mod work;

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::Arc,
};

use steadfast_model::{
    Clock, Event, InjectionId, Observation, Phase, ResolvedTarget, RunId,
    event::{Conclusion, Known},
};
use steadfast_probes::world::World;
use tokio::sync::mpsc;

pub use journal::{Journal, JournalError};

use crate::{
    exit::exit_code,
    host::{Host, Traffic},
    machine::{Action, Input, Machine},
    plan::Plan,
    stop::StopSignal,
};
use journal::Chronicle;
use work::Work;

/// What a run acts on.
#[derive(Clone)]
pub struct Stage {
    /// Where faults happen.
    pub host: Arc<dyn Host>,
    /// What probes look through.
    pub world: Arc<dyn World>,
    /// The built-in load.
    pub traffic: Arc<dyn Traffic>,
    /// What the time is.
    pub clock: Arc<dyn Clock>,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub struct RunEnd {
    /// The run.
    pub run: RunId,
    /// Its conclusion.
    pub conclusion: Conclusion,
    /// Faults that could not be taken away and were given up: a person must act.
    pub abandoned: Vec<InjectionId>,
    /// The file with the events that the history does not have, if there is one.
    pub spooled: Option<PathBuf>,
    /// Whether the history could not be written.
    pub unrecorded: bool,
    /// The exit code.
    pub exit_code: u8,
}

/// Runs a plan from start to verdict. Always ends with a conclusion; what went wrong is in it.
///
/// Events are durable in `journal` before what follows from them is done; when it fails, the rest goes to the file
/// `spool`, one JSON value a line. `live` sees every event once it is kept.
pub async fn run(
    plan: Plan,
    run: RunId,
    stage: Stage,
    journal: &mut dyn Journal,
    spool: &Path,
    live: &mut (dyn FnMut(&Event) + Send),
    mut stop: StopSignal,
) -> RunEnd {
    let (sender, mut inbox) = mpsc::unbounded_channel();
    let chronicle = Chronicle::new(journal, spool, live, stage.clock.clone());
    let (machine, actions) = Machine::new(plan.begin(run));
    let work = Work::new(Arc::new(plan), run, stage, sender);
    let mut driver = Driver { machine, chronicle, work, abandoned: vec![], conclusion: None };
    driver.act(actions).await;
    let mut pressed = false;
    loop {
        if let Some(conclusion) = driver.conclusion.take() {
            let abandoned = driver.abandoned;
            return RunEnd {
                run,
                exit_code: exit_code(&conclusion, !abandoned.is_empty()),
                conclusion,
                abandoned,
                spooled: driver.chronicle.spooled(),
                unrecorded: driver.chronicle.broken(),
            };
        }
        let message = tokio::select! {
            biased;
            by = stop.pressed(), if !pressed => {
                pressed = true;
                Input::StopRequested { by }.into()
            }
            message = inbox.recv() => message.expect("the driver itself holds a sender"),
        };
        driver.take(message).await;
    }
}

/// What tasks tell the driver.
#[derive(Debug)]
enum Message {
    /// Something for the machine.
    Input(Input),
    /// What an injection is for.
    Resolved { injection: InjectionId, targets: Vec<ResolvedTarget> },
    /// What was seen right before the fault.
    Before { injection: InjectionId, before: Observation },
}

impl From<Input> for Message {
    fn from(input: Input) -> Self {
        Self::Input(input)
    }
}

struct Driver<'a> {
    machine: Machine,
    chronicle: Chronicle<'a>,
    work: Work,
    abandoned: Vec<InjectionId>,
    conclusion: Option<Conclusion>,
}

impl Driver<'_> {
    async fn take(&mut self, message: Message) {
        match message {
            Message::Resolved { injection, targets } => self.work.resolved(injection, targets),
            Message::Before { injection, before } => self.work.before(injection, before),
            Message::Input(input) => {
                if let Input::RevertFailed { injection, abandoned: true, .. } = &input {
                    self.abandoned.push(*injection);
                }
                self.tell(input).await;
            }
        }
    }

    async fn tell(&mut self, input: Input) {
        // A conclusion that cannot be kept must become another one: then the machine is told so instead.
        let before = (self.machine.phase() == Phase::Conclude).then(|| self.machine.clone());
        let actions = self.machine.on(input);
        let unkept = self.act(actions).await;
        if let (Some(why), Some(before)) = (unkept, before) {
            self.machine = before;
            for input in [Input::JournalFailed { why }, Input::LoadsStopped] {
                let actions = self.machine.on(input);
                let unkept = self.act(actions).await;
                debug_assert!(unkept.is_none(), "a history that failed once is not tried again");
            }
        }
    }

    /// Does what the machine says, in order. Answers why a conclusion could not be kept, if it could not.
    async fn act(&mut self, actions: Vec<Action>) -> Option<String> {
        let mut actions = VecDeque::from(actions);
        while let Some(action) = actions.pop_front() {
            match action {
                Action::Emit(known) => {
                    let concluding = matches!(known, Known::Concluded(_));
                    let Err(why) = self.chronicle.record(known).await else { continue };
                    if concluding {
                        return Some(why);
                    }
                    // What was decided is still done, in order; but see `Inject`.
                    actions.extend(self.machine.on(Input::JournalFailed { why }));
                }
                // What is not recorded is not done. The machine has been told and takes it away again.
                Action::Inject(_) | Action::Run(_) if self.chronicle.broken() => {}
                Action::Finish(conclusion) => self.conclusion = Some(*conclusion),
                action => self.work.start(action),
            }
        }
        None
    }
}

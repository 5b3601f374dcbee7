//! The reaper: the process that undoes faults when their injector cannot.
//!
//! It lives in a session of its own, where no terminal's Ctrl-C and no group's signal reaches it, ignores `INT` and
//! `HUP`, and is alone in its state directory. An injector starts it before its first change, waits until it is in its
//! [`seat`], and starts it again if it dies. The reaper in turn cannot start a dead injector again, as that was a
//! command of a person, with a terminal and a document: to "restart" it means to carry out what it would have done
//! next, its undo.
//!
//! It takes over an injection (`takeover.rs`) at once when the injector's end wakes it, and within
//! [`Timing::reaper_look`] when lease or deadline pass.

use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
    sync::Arc,
};

use steadfast_ledger::{Account, Ledger, LedgerError, Listed, State, StateDir};
use steadfast_linux::{LinuxError, ProcessHandle, SystemClock};
use steadfast_model::{BootTime, Clock, InjectionId};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    task::JoinHandle,
};

use crate::{
    Timing,
    revert::{Persistence, Undoer, Undone},
    takeover::{Standing, Taken, standing, take_over},
};

mod event;
mod keeper;
pub mod seat;

pub use event::ReaperEvent;
pub use keeper::{ReaperKeeper, ensure_reaper};

use seat::Seat;

/// Why a reaper could not do its work. Messages are fragments after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum ReaperError {
    /// The ledger cannot be used.
    #[error("use the ledger")]
    Ledger(#[from] LedgerError),
    /// The kernel does not offer what is needed.
    #[error("look after processes")]
    Linux(#[from] LinuxError),
    /// Signals cannot be ignored.
    #[error("ignore signals")]
    Signals(#[from] std::io::Error),
}

/// How a reaper came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReaperEnd {
    /// There was nothing left to look after.
    Idle,
    /// Another reaper looks after this state directory.
    NotNeeded,
}

/// Looks after a state directory until nothing has been live for a while. Tells `report` what happens.
///
/// # Errors
/// When it cannot begin. Once it sits, it goes on whatever happens.
pub async fn run_reaper(
    dir: StateDir,
    timing: Timing,
    report: impl Fn(ReaperEvent) + Send + Sync + 'static,
) -> Result<ReaperEnd, ReaperError> {
    steadfast_linux::become_session_leader()?;
    // Handlers stay installed as long as these live, and nobody reads them.
    let _ignored: [Signal; 2] = [signal(SignalKind::interrupt())?, signal(SignalKind::hangup())?];
    let Some(seat) = Seat::take(&dir, timing.patience).await? else { return Ok(ReaperEnd::NotNeeded) };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new()?);
    let undoer = Undoer { ledger: Ledger::new(dir), clock, timing, carries_out: true };
    let report: Arc<dyn Fn(ReaperEvent) + Send + Sync> = Arc::new(report);
    report(ReaperEvent::ReaperStarted { pid: std::process::id() });
    let mut reaper =
        Reaper { undoer, report, at_work: HashMap::new(), shown: HashSet::new(), resting: HashMap::new() };
    reaper.work(seat).await;
    (reaper.report)(ReaperEvent::ReaperEnded);
    Ok(ReaperEnd::Idle)
}

struct Reaper {
    undoer: Undoer,
    report: Arc<dyn Fn(ReaperEvent) + Send + Sync>,
    at_work: HashMap<InjectionId, JoinHandle<()>>,
    /// Foreign files and troubles told of already.
    shown: HashSet<PathBuf>,
    /// Injections given up in this life, so as not to begin again at every look.
    resting: HashMap<InjectionId, BootTime>,
}

impl Reaper {
    async fn work(&mut self, seat: Seat) {
        let mut seat = Some(seat);
        let mut last_busy = self.undoer.clock.boot();
        while let Some(sitting) = seat.take() {
            let live = self.look();
            self.at_work.retain(|_, task| !task.is_finished());
            let now = self.undoer.clock.boot();
            if !live.is_empty() || !self.at_work.is_empty() {
                last_busy = now;
            } else if now.since(last_busy) >= self.undoer.timing.reaper_linger && self.may_leave() {
                sitting.leave();
                return;
            }
            seat = Some(sitting);
            self.wait(live).await;
        }
    }

    /// Starts to undo what must be undone; returns the injectors of what is live.
    fn look(&mut self) -> Vec<ProcessHandle> {
        let listed = match self.undoer.ledger.live() {
            Ok(listed) => listed,
            Err(error) => {
                self.tell_once(self.undoer.ledger.dir().ledger(), error.with_causes());
                return Vec::new();
            }
        };
        let mut live = Vec::new();
        for listed in listed {
            match listed {
                Listed::Foreign { path, why } => self.tell_once(path, why),
                Listed::Account(account) => live.extend(self.look_at(*account)),
            }
        }
        live
    }

    fn look_at(&mut self, account: Account) -> Option<ProcessHandle> {
        let injection = account.injection;
        let from_another_boot = account.is_from_another_boot(&self.undoer.clock.boot_id());
        let given_up = account.state == State::Abandoned && !from_another_boot;
        if given_up || self.at_work.contains_key(&injection) || self.is_resting(injection) {
            return None;
        }
        match standing(&self.undoer, &account) {
            Ok(Standing::Live(handle)) => return Some(handle),
            Ok(Standing::Orphaned | Standing::Overstayed(..)) => {
                let rest_until = self.undoer.clock.boot().after(self.undoer.timing.reaper_look);
                self.resting.insert(injection, rest_until);
                let task = take_care(self.undoer.clone(), account, self.report.clone());
                self.at_work.insert(injection, tokio::spawn(task));
            }
            Err(why) => self.tell_once(PathBuf::from(injection.to_string()), why),
        }
        None
    }

    fn is_resting(&self, injection: InjectionId) -> bool {
        self.resting.get(&injection).is_some_and(|until| self.undoer.clock.boot() < *until)
    }

    fn tell_once(&mut self, path: PathBuf, why: String) {
        if self.shown.insert(path.clone()) {
            (self.report)(ReaperEvent::ForeignFileFound { path, why });
        }
    }

    /// With the ledger's lock nobody can begin; then an empty ledger stays empty until the seat is left.
    fn may_leave(&self) -> bool {
        if !self.undoer.ledger.dir().ledger().exists() {
            // Somebody removed the whole directory, and with it everything there was to look after.
            return true;
        }
        let Ok(Some(_lock)) = self.undoer.ledger.try_lock() else { return false };
        let boot_id = self.undoer.clock.boot_id();
        let rests = |listed: &Listed| match listed {
            Listed::Foreign { .. } => true,
            Listed::Account(account) => {
                account.state == State::Abandoned && !account.is_from_another_boot(&boot_id)
            }
        };
        self.undoer.ledger.live().is_ok_and(|listed| listed.iter().all(rests))
    }

    /// Until an injector ends, at most until the next look is due.
    async fn wait(&self, live: Vec<ProcessHandle>) {
        let timeout = self.undoer.timing.reaper_look;
        let wait = move || steadfast_linux::wait_for_an_end(&live.iter().collect::<Vec<_>>(), timeout);
        if !matches!(tokio::task::spawn_blocking(wait).await, Ok(Ok(_))) {
            tokio::time::sleep(timeout).await;
        }
    }
}

async fn take_care(undoer: Undoer, account: Account, report: Arc<dyn Fn(ReaperEvent) + Send + Sync>) {
    let how =
        Persistence { pause: undoer.timing.reaper_undo_pause, until: account.deadline(), renews: false };
    let injection = account.injection;
    match take_over(&undoer, &account, how, &*report).await {
        Ok(Taken::Undone(Undone::Entirely)) => report(ReaperEvent::InjectionReverted { injection }),
        Ok(Taken::Undone(Undone::Abandoned(leftover))) => {
            report(ReaperEvent::InjectionAbandoned {
                injection,
                problems: leftover.problems,
                manual: leftover.manual,
            });
        }
        Ok(Taken::Undone(Undone::NotYet(_)) | Taken::Closed | Taken::Live | Taken::Busy) => {}
        Err(problem) => report(ReaperEvent::TakeoverFailed { injection, problem }),
    }
}

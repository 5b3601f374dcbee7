//! Taking over an injection whose injector died, hangs, or overstayed.
//!
//! The rule that keeps this free of races: **nobody but the injector reverts while the injector lives.** One that
//! overstayed its lease or deadline is killed, by descriptor and with its identity verified, and gone before the first
//! step back. So a change can never be made behind the back of its undo.

use std::time::Duration;

use steadfast_ledger::{Account, Held, State};
use steadfast_linux::ProcessHandle;
use steadfast_model::process::Signal;

use crate::{
    reaper::ReaperEvent,
    revert::{Persistence, Undoer, Undone},
};

/// How an injection stands.
#[derive(Debug)]
pub(crate) enum Standing {
    /// Its injector lives and has not overstayed. The handle tells of its end.
    Live(ProcessHandle),
    /// Its injector lives and has overstayed.
    Overstayed(ProcessHandle, &'static str),
    /// Its injector is gone, or this is another boot.
    Orphaned,
}

/// Looks at an injection's injector, deadline and lease.
///
/// A lease that cannot be read or trusted is one that ran out: nobody can tell whether it was renewed, and a fault must
/// not stay for ever because somebody changed the mode of a file.
///
/// # Errors
/// In words, when the process table cannot be read.
pub(crate) fn standing(undoer: &Undoer, account: &Account) -> Result<Standing, String> {
    let Some(injector) = account.injector() else { return Err("tell who injects".to_owned()) };
    let Some(handle) = ProcessHandle::open(injector).map_err(|error| error.with_causes())? else {
        return Ok(Standing::Orphaned);
    };
    // A process does not kill itself; it knows its deadlines.
    if injector.pid == std::process::id() {
        return Ok(Standing::Live(handle));
    }
    let now = undoer.clock.boot();
    if account.deadline().is_none_or(|deadline| now >= deadline) {
        return Ok(Standing::Overstayed(handle, "its deadline passed"));
    }
    match undoer.ledger.lease(account) {
        Ok(Some(lease)) if now < lease => Ok(Standing::Live(handle)),
        Ok(_) => Ok(Standing::Overstayed(handle, "its lease ran out")),
        Err(_) => Ok(Standing::Overstayed(handle, "its lease cannot be read or trusted")),
    }
}

/// What came of trying to take an injection over.
#[derive(Debug)]
pub(crate) enum Taken {
    /// It was undone, or not.
    Undone(Undone),
    /// Somebody closed it first.
    Closed,
    /// Its injector lives and may go on.
    Live,
    /// Somebody else is undoing it.
    Busy,
}

/// Ends an injector that overstayed, waits until it is gone, and undoes.
///
/// # Errors
/// In words; the caller tries again.
pub(crate) async fn take_over(
    undoer: &Undoer,
    account: &Account,
    how: Persistence,
    report: &(dyn Fn(ReaperEvent) + Send + Sync),
) -> Result<Taken, String> {
    let why = match standing(undoer, account)? {
        // Given up by its injector, which changes nothing any more; whoever asks may try.
        _ if account.state == State::Abandoned => "it was asked for again",
        Standing::Live(_) => return Ok(Taken::Live),
        Standing::Orphaned if account.is_from_another_boot(&undoer.clock.boot_id()) => {
            "the machine was restarted"
        }
        Standing::Orphaned => "the injector is gone",
        Standing::Overstayed(handle, why) => {
            end_injector(handle, undoer.timing.patience).await?;
            report(ReaperEvent::InjectorKilled {
                injection: account.injection,
                pid: account.injector().map_or(0, |injector| injector.pid),
                why: why.to_owned(),
            });
            why
        }
    };
    match undoer.ledger.try_page(account.injection).map_err(|error| error.with_causes())? {
        Held::Busy => Ok(Taken::Busy),
        Held::Closed => Ok(Taken::Closed),
        Held::Page(page) => {
            let already = page.account().state == State::Reverted;
            let undone = undoer.undo(&mut Some(page), why, how).await;
            Ok(if already { Taken::Closed } else { Taken::Undone(undone) })
        }
    }
}

async fn end_injector(handle: ProcessHandle, patience: Duration) -> Result<(), String> {
    let pid = handle.identity().pid;
    handle.signal(Signal::Kill).map_err(|error| error.with_causes())?;
    let waited = tokio::task::spawn_blocking(move || handle.ends_within(patience)).await;
    match waited.map_err(|error| error.to_string())?.map_err(|error| error.with_causes())? {
        true => Ok(()),
        false => Err(format!("end injector {pid}: it is still there after KILL")),
    }
}

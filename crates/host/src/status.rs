//! What is live on this machine, until when, and by whom.

use std::{path::PathBuf, time::Duration};

use serde::Serialize;
use steadfast_ledger::{Account, Ledger, LedgerError, Listed, State, StateDir};
use steadfast_linux::ProcessHandle;
use steadfast_model::{BootTime, Clock, InjectionId, ProcessIdentity, RunId};

use crate::reaper::seat;

/// Everything a state directory knows to be in place.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// Live and abandoned injections, oldest first.
    pub injections: Vec<InjectionStatus>,
    /// Files that cannot be read or trusted: something may be left behind.
    pub foreign: Vec<ForeignFile>,
    /// The reaper, if one sits.
    pub reaper: Option<ProcessIdentity>,
}

/// One injection.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InjectionStatus {
    /// Its id.
    pub injection: InjectionId,
    /// The run it belongs to, if any.
    pub run: Option<RunId>,
    /// What is done.
    pub fault: String,
    /// To what.
    pub targets: Vec<String>,
    /// What it holds against others.
    pub keys: Vec<String>,
    /// Where it stands.
    pub state: State,
    /// Who injects.
    pub injector: Option<ProcessIdentity>,
    /// Whether that process lives.
    pub injector_lives: bool,
    /// Seconds until it is gone whatever happens; 0 when that has passed.
    pub ends_within_seconds: f64,
    /// Seconds until it is reverted unless renewed; 0 when that has passed.
    pub lease_seconds: f64,
    /// Why it stands as it does.
    pub note: Option<String>,
    /// What a person could type, when it was given up.
    pub manual: Vec<String>,
    /// Lines that cannot be understood.
    pub troubles: Vec<String>,
}

/// A file among the live ones that is not understood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ForeignFile {
    /// Which.
    pub path: PathBuf,
    /// Why.
    pub why: String,
}

/// Looks; changes nothing.
///
/// # Errors
/// When the ledger cannot be read.
pub fn status(dir: &StateDir, clock: &dyn Clock) -> Result<Status, LedgerError> {
    let ledger = Ledger::new(dir.clone());
    let mut status = Status { injections: Vec::new(), foreign: Vec::new(), reaper: None };
    for listed in ledger.live()? {
        match listed {
            Listed::Foreign { path, why } => status.foreign.push(ForeignFile { path, why }),
            Listed::Account(account) if account.state == State::Reverted => {}
            Listed::Account(account) => status.injections.push(one(&ledger, *account, clock)),
        }
    }
    status.reaper = seat::occupant(dir).map(|reaper| reaper.identity().clone());
    Ok(status)
}

fn one(ledger: &Ledger, account: Account, clock: &dyn Clock) -> InjectionStatus {
    let left = |until: Option<BootTime>| {
        let same_boot = !account.is_from_another_boot(&clock.boot_id());
        let left = until.filter(|_| same_boot).map_or(Duration::ZERO, |until| until.since(clock.boot()));
        left.as_secs_f64()
    };
    let lease = ledger.lease(&account).ok().flatten();
    let injector = account.injector().cloned();
    let opening = account.opening.as_ref();
    InjectionStatus {
        injection: account.injection,
        run: account.last.as_ref().and_then(|entry| entry.run),
        fault: opening.map_or_else(|| "unknown".to_owned(), |opening| opening.fault.clone()),
        targets: opening.map(|opening| opening.targets.clone()).unwrap_or_default(),
        keys: account.keys().into_iter().map(str::to_owned).collect(),
        state: account.state,
        injector_lives: injector
            .as_ref()
            .is_some_and(|injector| matches!(ProcessHandle::open(injector), Ok(Some(_)))),
        injector,
        ends_within_seconds: left(account.deadline()),
        lease_seconds: left(lease),
        note: account.note.clone(),
        manual: account.manual.clone(),
        troubles: account.troubles.clone(),
    }
}

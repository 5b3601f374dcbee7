//! Undoing what nobody looks after any more: both injector and reaper died, or an undo was given up.

use std::{sync::Arc, time::Duration};

use serde::Serialize;
use steadfast_ledger::{Account, Held, Ledger, LedgerError, Listed, State, StateDir};
use steadfast_model::{Clock, InjectionId};

use crate::{
    Timing,
    revert::{Leftover, Persistence, Undoer, Undone},
    status::ForeignFile,
    takeover::{Taken, take_over},
};

const BETWEEN_TRIES: Duration = Duration::from_millis(20);

/// What came of recovering.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Recovery {
    /// Undone, just now or by somebody else meanwhile.
    pub reverted: Vec<InjectionId>,
    /// Their injector lives and may go on: left alone.
    pub live: Vec<InjectionId>,
    /// Still there; a person must act.
    pub abandoned: Vec<Unrecovered>,
    /// Still there; it may heal, or another process is at it.
    pub pending: Vec<Unrecovered>,
    /// Files that cannot be read or trusted: something may be left behind.
    pub foreign: Vec<ForeignFile>,
}

/// An injection that is still in place.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Unrecovered {
    /// Which.
    pub injection: InjectionId,
    /// What failed, in words.
    pub problems: Vec<String>,
    /// What a person could type.
    pub manual: Vec<String>,
}

impl Recovery {
    /// Whether nothing is left behind, living injections aside.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.abandoned.is_empty() && self.pending.is_empty() && self.foreign.is_empty()
    }
}

/// Undoes every injection whose injector is gone or overstayed, abandoned ones included.
///
/// # Errors
/// When the ledger cannot be read.
pub async fn recover(dir: &StateDir, clock: Arc<dyn Clock>, timing: Timing) -> Result<Recovery, LedgerError> {
    let undoer = Undoer { ledger: Ledger::new(dir.clone()), clock, timing, carries_out: true };
    let mut recovery = Recovery::default();
    for listed in undoer.ledger.live()? {
        match listed {
            Listed::Foreign { path, why } => recovery.foreign.push(ForeignFile { path, why }),
            Listed::Account(account) => one(&undoer, &account, &mut recovery).await,
        }
    }
    Ok(recovery)
}

/// Puts an abandoned injection away after a person has acted. It is undone no further.
///
/// # Errors
/// [`LedgerError::NotLive`] when there is no abandoned injection of that name.
pub async fn forget(dir: &StateDir, injection: InjectionId, timing: Timing) -> Result<(), LedgerError> {
    let ledger = Ledger::new(dir.clone());
    let mut waited = Duration::ZERO;
    loop {
        match ledger.try_page(injection)? {
            Held::Page(page) if page.account().state == State::Abandoned => return page.close(),
            Held::Busy if waited < timing.patience => {}
            Held::Page(_) | Held::Busy | Held::Closed => return Err(LedgerError::NotLive { injection }),
        }
        tokio::time::sleep(BETWEEN_TRIES).await;
        waited += BETWEEN_TRIES;
    }
}

async fn one(undoer: &Undoer, account: &Account, recovery: &mut Recovery) {
    let injection = account.injection;
    let how = Persistence { pause: undoer.timing.undo_pause, until: None, renews: false };
    // A reaper tries longer than we do; it is not waited for to the end.
    let mut waited = Duration::ZERO;
    let taken = loop {
        let taken = take_over(undoer, account, how, &|_| ()).await;
        if !matches!(taken, Ok(Taken::Busy)) || waited >= undoer.timing.patience {
            break taken;
        }
        tokio::time::sleep(BETWEEN_TRIES).await;
        waited += BETWEEN_TRIES;
    };
    let left = |Leftover { problems, manual }| Unrecovered { injection, problems, manual };
    let pending = |problem: String| {
        left(Leftover { problems: vec![problem], manual: vec!["steadfast recover".to_owned()] })
    };
    match taken {
        Ok(Taken::Undone(Undone::Entirely) | Taken::Closed) => recovery.reverted.push(injection),
        Ok(Taken::Live) => recovery.live.push(injection),
        Ok(Taken::Undone(Undone::Abandoned(leftover))) => recovery.abandoned.push(left(leftover)),
        Ok(Taken::Undone(Undone::NotYet(leftover))) => recovery.pending.push(left(leftover)),
        Ok(Taken::Busy) => recovery.pending.push(pending("undo it: another process is at it".to_owned())),
        Err(problem) => recovery.pending.push(pending(problem)),
    }
}

//! What this process remembers of an injection it was asked for.

use std::sync::OnceLock;

use steadfast_engine::host::{HostError, RevertError};
use steadfast_model::BootTime;
use tokio::{sync::Mutex, task::JoinHandle};

use crate::{live::GivenRule, workshop::GivenWorker};

/// One injection. Held while it is put in place and while it is taken away, so that the two never overlap.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    pub state: Mutex<SlotState>,
    /// Deadline, rules and workers once begun, for renewing while the slot is held.
    pub live: std::sync::Mutex<Option<Live>>,
    /// Why it was reverted without having been asked for.
    pub lost: OnceLock<HostError>,
}

/// What came of it so far.
#[derive(Debug, Default)]
pub(crate) struct SlotState {
    /// The first answer to an order.
    pub answer: Option<Result<(), HostError>>,
    /// The last answer to a revert.
    pub reverted: Option<Result<(), RevertError>>,
    /// Going on to revert what may heal, when a revert gave a first answer.
    pub straggler: Option<JoinHandle<Result<(), RevertError>>>,
}

/// What is needed to renew.
#[derive(Debug, Clone)]
pub(crate) struct Live {
    pub deadline: BootTime,
    pub lease: BootTime,
    pub rules: Vec<GivenRule>,
    pub workers: Vec<GivenWorker>,
}

impl Slot {
    /// What is needed to renew, to be looked at or changed.
    pub(crate) fn live(&self) -> std::sync::MutexGuard<'_, Option<Live>> {
        self.live.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

//! Making sure that a reaper sits: before the first change, and as long as anything is live.

use std::{
    ffi::OsString,
    io::{Read, Seek, SeekFrom},
    time::Duration,
};

use steadfast_engine::host::{HostError, HostErrorKind};
use steadfast_ledger::{StateDir, private_file};
use steadfast_linux::{Detached, ProcessHandle, detach, process_state};
use steadfast_model::{
    ProcessIdentity,
    process::{ProcessState, Signal},
};
use tokio::sync::Mutex;

use crate::{
    Timing,
    error::{from_ledger, from_linux, host_error},
    reaper::seat,
};

const LONGEST_LOG: u64 = 1024 * 1024;
const BETWEEN_LOOKS: Duration = Duration::from_millis(5);

/// Starts reapers for a state directory and collects those that ended.
#[derive(Debug)]
pub struct ReaperKeeper {
    dir: StateDir,
    command: Vec<OsString>,
    timing: Timing,
    started: Mutex<Vec<Detached>>,
}

/// Makes sure, once, that a reaper looks after a state directory. `command` is what starts one.
///
/// # Errors
/// When none sits after [`Timing::patience`]: nothing must be injected then.
pub async fn ensure_reaper(
    dir: &StateDir,
    command: &[OsString],
    timing: Timing,
) -> Result<ProcessIdentity, HostError> {
    ReaperKeeper::new(dir.clone(), command.to_vec(), timing).ensure().await
}

impl ReaperKeeper {
    /// Keeps a reaper started by `command`.
    #[must_use]
    pub fn new(dir: StateDir, command: Vec<OsString>, timing: Timing) -> Self {
        Self { dir, command, timing, started: Mutex::default() }
    }

    /// Whether a reaper sits right now and is not frozen.
    #[must_use]
    pub fn sits(&self) -> Option<ProcessIdentity> {
        let occupant = seat::occupant(&self.dir)?;
        let frozen = process_state(occupant.identity()).is_ok_and(|state| state == ProcessState::Stopped);
        (!frozen).then(|| occupant.identity().clone())
    }

    /// Makes sure that a reaper sits, and starts one if need be. One that is frozen is replaced: it would look after
    /// nothing.
    ///
    /// # Errors
    /// When none sits after [`Timing::patience`].
    pub async fn ensure(&self) -> Result<ProcessIdentity, HostError> {
        let mut started = self.started.lock().await;
        started.retain_mut(|child| !matches!(child.ended(), Ok(Some(_))));
        if let Some(identity) = self.sits() {
            return Ok(identity);
        }
        if let Some(frozen) = seat::occupant(&self.dir) {
            self.replace(frozen).await?;
        }
        started.push(self.start()?);
        let mut waited = Duration::ZERO;
        while waited < self.timing.patience {
            if let Some(identity) = self.sits() {
                return Ok(identity);
            }
            if let Some(how) = started.last_mut().and_then(|child| child.ended().ok().flatten()) {
                // Another may have been quicker; it sits at the next look, or ours failed.
                tokio::time::sleep(BETWEEN_LOOKS).await;
                return self.sits().ok_or_else(|| self.failed(&format!("it ended at once ({how})")));
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
            waited += BETWEEN_LOOKS;
        }
        Err(self.failed(&format!("it does not sit after {} s", self.timing.patience.as_secs_f64())))
    }

    fn start(&self) -> Result<Detached, HostError> {
        let log =
            private_file::open_or_create(&self.dir.reaper_log()).map_err(|error| from_ledger(&error))?;
        let prepared = log.metadata().and_then(|found| {
            if found.len() > LONGEST_LOG {
                log.set_len(0)?;
            }
            (&log).seek(SeekFrom::End(0))
        });
        prepared.map_err(|error| {
            host_error(HostErrorKind::Other, format!("write the reaper's log: {error}"), None)
        })?;
        detach(&self.command, log).map_err(|error| from_linux(&error))
    }

    async fn replace(&self, frozen: ProcessHandle) -> Result<(), HostError> {
        frozen.signal(Signal::Kill).map_err(|error| from_linux(&error))?;
        let patience = self.timing.patience;
        let ended = tokio::task::spawn_blocking(move || frozen.ends_within(patience)).await;
        match ended {
            Ok(Ok(true)) => Ok(()),
            _ => Err(self.failed("the one before is frozen and cannot be ended")),
        }
    }

    fn failed(&self, why: &str) -> HostError {
        let said = self.last_words().unwrap_or_default();
        let message = format!("start the reaper: {why}{said}");
        host_error(
            HostErrorKind::Other,
            message,
            Some("without a reaper nothing is injected; see `steadfast doctor`"),
        )
    }

    fn last_words(&self) -> Option<String> {
        let mut log = private_file::open(&self.dir.reaper_log()).ok()??;
        let length = log.metadata().ok()?.len();
        log.seek(SeekFrom::Start(length.saturating_sub(400))).ok()?;
        let mut bytes = Vec::new();
        log.read_to_end(&mut bytes).ok()?;
        let text = String::from_utf8_lossy(&bytes);
        let last = text.trim_end().lines().last()?.to_owned();
        Some(format!("; it said: {last}"))
    }
}

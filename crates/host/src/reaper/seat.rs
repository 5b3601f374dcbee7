//! The one seat of a state directory's reaper: a locked file that says who sits.

use std::{fs::File, os::unix::fs::FileExt, time::Duration};

use steadfast_ledger::{StateDir, private_file};
use steadfast_linux::{ProcessHandle, own_identity};
use steadfast_model::ProcessIdentity;

use super::ReaperError;

/// How long a name must not be written before somebody else is asked again.
const BETWEEN_TRIES: Duration = Duration::from_millis(10);

/// Held by a reaper from its first look to its last.
#[derive(Debug)]
pub struct Seat {
    file: File,
}

impl Seat {
    /// Takes the seat and writes one's name; `None` when a living reaper has it.
    pub(crate) async fn take(dir: &StateDir, patience: Duration) -> Result<Option<Self>, ReaperError> {
        let path = dir.reaper_lock();
        let file = private_file::open_or_create(&path)?;
        let mut waited = Duration::ZERO;
        while !private_file::try_lock(&file, &path)? {
            // One that leaves takes its name away first and the lock a moment later.
            if occupant(dir).is_some() || waited >= patience {
                return Ok(None);
            }
            tokio::time::sleep(BETWEEN_TRIES).await;
            waited += BETWEEN_TRIES;
        }
        let name = serde_json::to_string(&own_identity()?).expect("an identity holds texts and numbers only");
        file.set_len(0)?;
        file.write_all_at(name.as_bytes(), 0)?;
        Ok(Some(Self { file }))
    }

    /// Takes one's name away, then the lock.
    pub(crate) fn leave(self) {
        // A name that stays is that of a process that ends now: nobody takes it for a living one.
        drop(self.file.set_len(0));
    }
}

/// The reaper that looks after a state directory, if it lives.
#[must_use]
pub fn occupant(dir: &StateDir) -> Option<ProcessHandle> {
    let bytes = private_file::read(&dir.reaper_lock()).ok()??;
    let identity: ProcessIdentity = serde_json::from_slice(&bytes).ok()?;
    ProcessHandle::open(&identity).ok()?
}

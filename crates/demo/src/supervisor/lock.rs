//! One supervisor for each state directory, and a way to know whether it lives that cannot be wrong about pids.

use std::fs::{DirBuilder, File, TryLockError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::DemoError;

const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_millis(30);

/// Held as long as the supervisor lives; the kernel gives it up when the process dies.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Creates the state directory if needed and locks it.
    pub(super) async fn take(state_dir: &Path) -> Result<Self, DemoError> {
        let create = DirBuilder::new().recursive(true).mode(0o700).create(state_dir);
        create.map_err(DemoError::io("create", state_dir))?;
        let path = path(state_dir);
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(DemoError::io("open", &path))?;
        for _ in 0..TRIES {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _file: file }),
                // Perhaps somebody only looked.
                Err(TryLockError::WouldBlock) => tokio::time::sleep(PAUSE).await,
                Err(TryLockError::Error(source)) => return Err(DemoError::io("lock", &path)(source)),
            }
        }
        Err(DemoError::AlreadyRunning { state_dir: state_dir.to_owned() })
    }
}

/// Is a supervisor alive in this directory?
pub(super) fn is_held(state_dir: &Path) -> bool {
    File::open(path(state_dir))
        .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

fn path(state_dir: &Path) -> PathBuf {
    state_dir.join("supervisor.lock")
}

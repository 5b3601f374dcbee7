//! Covering a directory, in one mount namespace, with a file system of ours that passes everything on and disturbs some of
//! it; and taking that away.
//!
//! The mount is seen by everybody in the mount namespace, and by nobody else. Whoever opens a file below the directory is
//! served by it; files that are open already, and directories that are worked in, are exchanged for the same ones below
//! the mount, while their process stands still (`trace`). To take it away it is unmounted at once, so that nobody comes to
//! use it any more, and then all that is still in use of it is exchanged back.

use std::{
    fs::File,
    os::{fd::AsFd, unix::fs::MetadataExt},
    path::PathBuf,
};

use rustix::{
    io::Errno,
    thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space, unshare_unsafe},
};
use steadfast_model::files::MountNamespace;

use crate::{LinuxError, boot_id, every_process_number, stat};

mod counts;
mod cover;
mod exchange;
mod ground;
mod in_use;
mod lock;
mod message;
mod mounts;
mod uncover;

pub use counts::{Counts, counts};
pub use cover::Covered;
pub use ground::ground;
pub use uncover::uncover;

/// The mount namespace of a process; `None` when it is gone.
///
/// # Errors
/// [`LinuxError::Denied`] when this user may not know.
pub fn mount_namespace(pid: u32) -> Result<Option<MountNamespace>, LinuxError> {
    let path = PathBuf::from(format!("/proc/{pid}/ns/mnt"));
    match std::fs::metadata(&path) {
        Ok(found) => Ok(Some(MountNamespace { inode: found.ino(), boot_id: boot_id()? })),
        Err(error) if stat::is_gone(&error) => Ok(None),
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            Err(LinuxError::Denied { what: format!("look at the mount namespace of process {pid}") })
        }
        Err(source) => Err(LinuxError::Read { path, source }),
    }
}

/// The numbers of all processes that are in a mount namespace now, as far as this user may know.
///
/// # Errors
/// When the process table cannot be read.
pub fn processes_in(namespace: &MountNamespace) -> Result<Vec<u32>, LinuxError> {
    let is_in = |pid: &u32| matches!(mount_namespace(*pid), Ok(Some(found)) if found == *namespace);
    Ok(every_process_number()?.into_iter().filter(is_in).collect())
}

/// Does `work` on a thread that is in the mount namespace of a process, at its root.
fn inside<T: Send>(pid: u32, work: impl FnOnce() -> Result<T, LinuxError> + Send) -> Result<T, LinuxError> {
    let path = PathBuf::from(format!("/proc/{pid}/ns/mnt"));
    let namespace = File::open(&path).map_err(|source| LinuxError::Read { path, source })?;
    let enter = move || {
        let failed = |errno: Errno| LinuxError::call("enter a mount namespace", errno);
        // SAFETY: it gives this thread a root and a working directory of its own; no descriptor changes hands.
        unsafe { unshare_unsafe(UnshareFlags::FS) }.map_err(failed)?;
        move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Mount)).map_err(failed)?;
        work()
    };
    std::thread::scope(|scope| {
        scope.spawn(enter).join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

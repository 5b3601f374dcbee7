//! Opening files and directories that only their owner could have written.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io::{self, Read},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::Path,
};

use rustix::{
    fs::{FlockOperation, OFlags, flock},
    process::geteuid,
};

use crate::LedgerError;

/// The largest ledger file that is read: 16 MiB. An honest one has a line for every change.
pub const LARGEST_BYTES: u64 = 16 * 1024 * 1024;

/// Opens a file of ours for reading and writing; `None` when there is none.
///
/// # Errors
/// [`LedgerError::Unfit`] for a link, a device, a file of somebody else's or one that others may write.
pub fn open(path: &Path) -> Result<Option<File>, LedgerError> {
    finish(path, options().open(path)).map(|file| file.map(|(file, _)| file))
}

/// Opens a file of ours for reading and writing, and creates it when there is none.
///
/// # Errors
/// As [`open`], and when it cannot be created.
pub fn open_or_create(path: &Path) -> Result<File, LedgerError> {
    match finish(path, options().create(true).open(path))? {
        Some((file, _)) => Ok(file),
        None => Err(LedgerError::io("create", path)(io::ErrorKind::NotFound.into())),
    }
}

/// Creates a file that must not be there yet.
///
/// # Errors
/// When it is there, or cannot be created.
pub fn create_new(path: &Path) -> Result<File, LedgerError> {
    options().create_new(true).open(path).map_err(LedgerError::io("create", path))
}

/// All bytes of a file of ours; `None` when there is none.
///
/// # Errors
/// As [`open`], and for files over [`LARGEST_BYTES`].
pub fn read(path: &Path) -> Result<Option<Vec<u8>>, LedgerError> {
    let Some((mut file, size)) = finish(path, options().open(path))? else { return Ok(None) };
    read_opened(&mut file, path, size).map(Some)
}

pub(crate) fn read_opened(file: &mut File, path: &Path, size: u64) -> Result<Vec<u8>, LedgerError> {
    if size > LARGEST_BYTES {
        return Err(unfit(path, format!("it has {size} bytes, more than {LARGEST_BYTES}"), "move it away"));
    }
    let mut bytes = Vec::new();
    file.take(LARGEST_BYTES).read_to_end(&mut bytes).map_err(LedgerError::io("read", path))?;
    Ok(bytes)
}

/// Locks a file against every other opener, without waiting; `false` when somebody else holds it.
///
/// # Errors
/// When the file system knows no locks.
pub fn try_lock(file: &File, path: &Path) -> Result<bool, LedgerError> {
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::WOULDBLOCK | rustix::io::Errno::INTR) => Ok(false),
        Err(errno) => Err(LedgerError::io("lock", path)(errno.into())),
    }
}

/// Makes sure that a directory is there, is ours, and closed to others.
///
/// # Errors
/// [`LedgerError::Unfit`] when it is not, [`LedgerError::Io`] when it cannot be made.
pub fn ensure_directory(path: &Path) -> Result<(), LedgerError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    let found = match (made, std::fs::symlink_metadata(path)) {
        (_, Ok(found)) => found,
        (Err(error), Err(_)) | (Ok(()), Err(error)) => return Err(LedgerError::io("make", path)(error)),
    };
    if found.is_symlink() {
        return Err(unfit(path, "it is a symbolic link", "name the directory it points to"));
    }
    if !found.is_dir() {
        return Err(unfit(path, "it is no directory", "name another with --state-dir"));
    }
    check_owner(path, &found)
}

/// Makes a directory's entries durable.
///
/// # Errors
/// When the disk refuses.
pub fn sync_directory(path: &Path) -> Result<(), LedgerError> {
    File::open(path).and_then(|directory| directory.sync_all()).map_err(LedgerError::io("write", path))
}

fn options() -> OpenOptions {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600).custom_flags(flags.bits().cast_signed());
    options
}

fn finish(path: &Path, opened: io::Result<File>) -> Result<Option<(File, u64)>, LedgerError> {
    let file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
            return Err(unfit(path, "it is a symbolic link", "remove it if you know where it came from"));
        }
        Err(error) => return Err(LedgerError::io("open", path)(error)),
    };
    let found = file.metadata().map_err(LedgerError::io("look at", path))?;
    if !found.is_file() {
        return Err(unfit(path, "it is no plain file", "remove it if you know where it came from"));
    }
    check_owner(path, &found)?;
    Ok(Some((file, found.len())))
}

fn check_owner(path: &Path, found: &std::fs::Metadata) -> Result<(), LedgerError> {
    let own = geteuid().as_raw();
    if found.uid() != own {
        let why = format!("it belongs to user {}, and this is user {own}", found.uid());
        return Err(unfit(
            path,
            why,
            "use a state directory of your own: nobody carries out what another wrote",
        ));
    }
    if found.mode() & 0o077 != 0 {
        let why = format!("others may use it (mode {:04o})", found.mode() & 0o7777);
        return Err(unfit(path, why, &format!("chmod go= {}", path.display())));
    }
    Ok(())
}

fn unfit(path: &Path, why: impl Into<String>, hint: &str) -> LedgerError {
    LedgerError::Unfit { path: path.to_owned(), why: why.into(), hint: hint.to_owned() }
}

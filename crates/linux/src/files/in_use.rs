//! What a process has open, works in and has mapped.

use std::{
    fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use rustix::fs::{AtFlags, CWD, StatxFlags, statx};

use super::lock::{self, Lock};
use crate::{
    LinuxError, stat,
    trace::{Mapping, mappings},
};

/// A file or directory that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OpenFile {
    /// The number of its descriptor.
    pub(super) number: i32,
    pub(super) at: Place,
    pub(super) flags: i32,
    pub(super) position: u64,
    pub(super) locks: Vec<Lock>,
}

/// Which file or directory it is. Told by what the kernel remembers: nobody who serves it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// What it is called, seen from the root of its mount namespace; from the root of its mount when that is not mounted.
    pub(super) name: PathBuf,
    /// Whether it has no name any more.
    pub(super) is_removed: bool,
    pub(super) device: (u32, u32),
    pub(super) inode: u64,
    /// The number of its mount; 0 for what is mapped, as the kernel does not tell.
    pub(super) mount: u64,
    /// Type and permissions.
    pub(super) mode: u32,
}

impl Place {
    /// Behind a link such as `/proc/7/fd/3`; `None` when that is gone.
    pub(super) fn behind(link: &str) -> Option<Self> {
        let text = fs::read_link(link).ok()?;
        let bytes = text.as_os_str().as_bytes();
        let named = bytes.strip_suffix(b" (deleted)");
        let wanted = StatxFlags::INO | StatxFlags::TYPE | StatxFlags::MODE | StatxFlags::MNT_ID;
        let found = statx(CWD, link, AtFlags::STATX_DONT_SYNC, wanted).ok()?;
        Some(Self {
            name: named
                .map_or_else(|| text.clone(), |named| Path::new(std::ffi::OsStr::from_bytes(named)).into()),
            is_removed: named.is_some(),
            device: (found.stx_dev_major, found.stx_dev_minor),
            inode: found.stx_ino,
            mount: found.stx_mnt_id,
            mode: found.stx_mode.into(),
        })
    }

    /// Whether it is a file or a directory, and nothing that has another end.
    pub(super) fn is_plain(&self) -> bool {
        matches!(self.mode & libc::S_IFMT, libc::S_IFREG | libc::S_IFDIR)
    }

    /// What it is called from `path` on; `None` when it is not below that.
    pub(super) fn below(&self, path: &Path) -> Option<&Path> {
        self.name.strip_prefix(path).ok()
    }
}

/// Where a process works; `None` when it is gone.
pub(super) fn working_directory(pid: u32) -> Option<Place> {
    Place::behind(&format!("/proc/{pid}/cwd"))
}

/// All that a process has open, whatever it is. Nothing when it is gone.
///
/// # Errors
/// [`LinuxError::Denied`] when this user may not know.
pub(super) fn open_files(pid: u32) -> Result<Vec<OpenFile>, LinuxError> {
    let path = PathBuf::from(format!("/proc/{pid}/fd"));
    let entries = match fs::read_dir(&path) {
        Ok(entries) => entries,
        Err(error) if stat::is_gone(&error) => return Ok(Vec::new()),
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            return Err(LinuxError::Denied { what: format!("look what process {pid} has open") });
        }
        Err(source) => return Err(LinuxError::Read { path, source }),
    };
    let numbers = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    Ok(numbers.filter_map(|number| open_file(pid, number)).collect())
}

fn open_file(pid: u32, number: i32) -> Option<OpenFile> {
    let told = fs::read_to_string(format!("/proc/{pid}/fdinfo/{number}")).ok()?;
    let value = |key: &str| told.lines().find_map(|line| line.strip_prefix(key)).map(str::trim);
    Some(OpenFile {
        number,
        at: Place::behind(&format!("/proc/{pid}/fd/{number}"))?,
        flags: i32::from_str_radix(value("flags:")?, 8).ok()?,
        position: value("pos:")?.parse().ok()?,
        locks: told.lines().filter_map(|line| lock::parse(line.strip_prefix("lock:")?)).collect(),
    })
}

/// The files that a process has mapped. Nothing when it is gone.
pub(super) fn mapped_files(pid: u32) -> Result<Vec<Mapping>, LinuxError> {
    let mut found = mappings(pid)?.unwrap_or_default();
    found.retain(Mapping::is_of_a_file);
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Seek, SeekFrom, Write},
        os::fd::AsRawFd,
    };

    use super::*;

    #[test]
    fn what_this_process_has_open_is_told_with_place_position_flags_and_locks() {
        let folder = steadfast_testkit::durable_dir();
        let path = folder.path().canonicalize().unwrap().join("a file");
        let mut file = fs::File::create(&path).unwrap();
        file.write_all(&[7; 100]).unwrap();
        file.seek(SeekFrom::Start(42)).unwrap();
        file.lock_shared().unwrap();
        let found = open_file(std::process::id(), file.as_raw_fd()).unwrap();
        assert_eq!((found.position, found.flags & libc::O_ACCMODE), (42, libc::O_WRONLY));
        assert_eq!(found.locks.len(), 1, "{found:?}");
        assert!(found.at.is_plain() && !found.at.is_removed);
        assert_eq!(
            found.at.below(folder.path().canonicalize().unwrap().as_path()),
            Some(Path::new("a file"))
        );
        fs::remove_file(&path).unwrap();
        let removed = open_file(std::process::id(), file.as_raw_fd()).unwrap();
        assert!(removed.at.is_removed && removed.at.name == path, "{removed:?}");
    }
}

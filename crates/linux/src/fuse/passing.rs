//! What is done on the directory's own files.

use std::{
    collections::HashMap,
    ffi::{OsStr, OsString},
    mem::MaybeUninit,
    os::{
        fd::{AsFd, OwnedFd},
        unix::ffi::OsStringExt,
    },
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use fuser::TimeOrNow;
use rustix::{
    fs::{
        AtFlags, Gid, Mode, OFlags, RawDir, SeekFrom, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT, Uid,
        chmod, chownat, fchmod, fstat, ftruncate, getxattr, listxattr, readlinkat, seek, utimensat,
    },
    io::{Errno, IoSlice, ReadWriteFlags, pread, pwritev2},
};

use super::nodes::Node;

/// Files and directories that somebody has open here.
#[derive(Debug, Default)]
pub(super) struct Handles {
    open: RwLock<HashMap<u64, Arc<Handle>>>,
    last: AtomicU64,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Handle {
    pub(super) file: OwnedFd,
    /// A directory is listed from one place at a time.
    listing: Mutex<()>,
}

impl Handles {
    pub(super) fn add(&self, file: OwnedFd) -> u64 {
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let handle = Arc::new(Handle { file, listing: Mutex::new(()) });
        self.open.write().unwrap_or_else(PoisonError::into_inner).insert(number, handle);
        number
    }

    pub(super) fn get(&self, number: u64) -> Result<Arc<Handle>, Errno> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        open.get(&number).cloned().ok_or(Errno::BADF)
    }

    pub(super) fn remove(&self, number: u64) {
        let removed = self.open.write().unwrap_or_else(PoisonError::into_inner).remove(&number);
        // Closing may wait for the disk, and nobody else shall wait with it.
        drop(removed);
    }
}

/// How a file is opened below, as far as that matters there. Appending is told with every write; what went past the page
/// cache would need memory that is aligned.
pub(super) fn flags_below(asked: i32) -> OFlags {
    let asked = OFlags::from_bits_retain(asked.cast_unsigned());
    let kept = OFlags::RWMODE | OFlags::SYNC | OFlags::DSYNC | OFlags::NOATIME | OFlags::NONBLOCK;
    (asked & kept) | OFlags::CLOEXEC
}

/// Reads as much as there is, at most `size`.
pub(super) fn read(file: &OwnedFd, offset: u64, size: u32) -> Result<Vec<u8>, Errno> {
    let mut bytes = vec![0; usize::try_from(size).expect("a pointer is as wide")];
    let mut length = 0;
    while length < bytes.len() {
        match pread(file, &mut bytes[length..], offset + length as u64) {
            Ok(0) => break,
            Ok(more) => length += more,
            Err(Errno::INTR) => {}
            Err(_) if length > 0 => break,
            Err(errno) => return Err(errno),
        }
    }
    bytes.truncate(length);
    Ok(bytes)
}

/// Writes; at the end of the file, wherever that is, when it appends.
pub(super) fn write(file: &OwnedFd, offset: u64, data: &[u8], appends: bool) -> Result<u32, Errno> {
    let how = if appends { ReadWriteFlags::APPEND } else { ReadWriteFlags::empty() };
    let mut length = 0;
    while length < data.len() {
        match pwritev2(file, &[IoSlice::new(&data[length..])], offset + length as u64, how) {
            Ok(0) => break,
            Ok(more) => length += more,
            Err(Errno::INTR) => {}
            Err(_) if length > 0 => break,
            Err(errno) => return Err(errno),
        }
    }
    Ok(u32::try_from(length).expect("the kernel asks for less"))
}

/// Who writes to a file without the right to keep them takes these bits away.
pub(super) fn drop_privileges_of(file: &OwnedFd) -> Result<(), Errno> {
    let mode = Mode::from_raw_mode(fstat(file)?.st_mode & 0o7777);
    // Without the right to execute, the group's bit says that locks are mandatory.
    let group = if mode.contains(Mode::XGRP) { Mode::SGID } else { Mode::empty() };
    let dropped = Mode::SUID | group;
    if mode.intersects(dropped) { fchmod(file, mode - dropped) } else { Ok(()) }
}

/// Changes of attributes that come together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Change {
    pub(super) mode: Option<u32>,
    pub(super) user: Option<u32>,
    pub(super) group: Option<u32>,
    pub(super) size: Option<u64>,
    pub(super) accessed: Option<TimeOrNow>,
    pub(super) modified: Option<TimeOrNow>,
}

impl Change {
    /// Changes a file, through a handle where there is one. The owner first: that takes bits of the mode away.
    pub(super) fn make(&self, node: &Node, handle: Option<&Handle>) -> Result<(), Errno> {
        let here = (node.as_fd(), "", AtFlags::EMPTY_PATH);
        if self.user.is_some() || self.group.is_some() {
            chownat(here.0, here.1, self.user.map(Uid::from_raw), self.group.map(Gid::from_raw), here.2)?;
        }
        if let Some(mode) = self.mode {
            chmod(node.path(), Mode::from_raw_mode(mode & 0o7777))?;
        }
        if let Some(size) = self.size {
            match handle {
                Some(handle) => ftruncate(&handle.file, size)?,
                None => ftruncate(node.open(OFlags::WRONLY)?, size)?,
            }
        }
        if self.accessed.is_some() || self.modified.is_some() {
            let times =
                Timestamps { last_access: time(self.accessed), last_modification: time(self.modified) };
            utimensat(here.0, here.1, &times, here.2)?;
        }
        Ok(())
    }

    /// Whether it changes nothing but the size.
    pub(super) fn is_truncation(&self) -> bool {
        self.size.is_some() && self.mode.is_none() && self.user.is_none() && self.group.is_none()
    }
}

fn time(asked: Option<TimeOrNow>) -> Timespec {
    let special = |tv_nsec| Timespec { tv_sec: 0, tv_nsec };
    match asked {
        None => special(UTIME_OMIT),
        Some(TimeOrNow::Now) => special(UTIME_NOW),
        Some(TimeOrNow::SpecificTime(time)) => since_1970(time),
    }
}

fn since_1970(time: SystemTime) -> Timespec {
    let whole = |seconds: u64| i64::try_from(seconds).unwrap_or(i64::MAX);
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => Timespec { tv_sec: whole(after.as_secs()), tv_nsec: after.subsec_nanos().into() },
        Err(error) => {
            let before = error.duration();
            let (seconds, nanos) = (-whole(before.as_secs()), i64::from(before.subsec_nanos()));
            match nanos {
                0 => Timespec { tv_sec: seconds, tv_nsec: 0 },
                nanos => Timespec { tv_sec: seconds - 1, tv_nsec: 1_000_000_000 - nanos },
            }
        }
    }
}

/// Where a symbolic link leads.
pub(super) fn target_of(node: &Node) -> Result<Vec<u8>, Errno> {
    Ok(readlinkat(node, "", Vec::new())?.into_bytes())
}

/// One entry of a directory, and from where to go on after it.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) inode: u64,
    pub(super) next: u64,
    pub(super) kind: rustix::fs::FileType,
    pub(super) name: OsString,
}

/// Lists a directory from `offset` on, until `full` says that there is no room for one.
pub(super) fn list(handle: &Handle, offset: u64, mut full: impl FnMut(Listed) -> bool) -> Result<(), Errno> {
    let _alone = handle.listing.lock().unwrap_or_else(PoisonError::into_inner);
    seek(&handle.file, SeekFrom::Start(offset))?;
    let mut space = [const { MaybeUninit::uninit() }; 16 << 10];
    let mut entries = RawDir::new(&handle.file, &mut space);
    while let Some(entry) = entries.next() {
        let entry = entry?;
        let listed = Listed {
            inode: entry.ino(),
            next: entry.next_entry_cookie(),
            kind: entry.file_type(),
            name: OsString::from_vec(entry.file_name().to_bytes().to_vec()),
        };
        if full(listed) {
            break;
        }
    }
    Ok(())
}

/// What an extended attribute is, or how long it is where `size` is 0.
pub(super) fn attribute(node: &Node, name: &OsStr, size: u32) -> Result<Vec<u8>, Errno> {
    let mut value = room(size);
    let length = getxattr(node.path(), name, &mut value[..])?;
    value.resize(length, 0);
    Ok(value)
}

/// The names of all extended attributes, or how long they are where `size` is 0.
pub(super) fn attribute_names(node: &Node, size: u32) -> Result<Vec<u8>, Errno> {
    let mut value = room(size);
    let length = listxattr(node.path(), &mut value[..])?;
    value.resize(length, 0);
    Ok(value)
}

fn room(size: u32) -> Vec<u8> {
    vec![0; usize::try_from(size).expect("a pointer is as wide")]
}

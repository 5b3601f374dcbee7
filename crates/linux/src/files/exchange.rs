//! Exchanging what a process has open, works in and has mapped for something else, while it stands still.

use std::{
    fs::File,
    os::{
        fd::{AsFd, OwnedFd},
        unix::fs::FileExt,
    },
    time::Duration,
};

use rustix::{
    fs::{OFlags, SeekFrom, seek},
    io::Errno,
};
use steadfast_model::ProcessIdentity;

use super::{
    in_use::{OpenFile, Place, mapped_files, open_files, working_directory},
    lock::{Lock, Owner},
    message::{Channel, MOST, word},
};
use crate::{
    LinuxError,
    trace::{Held, Mapping, hold},
};

/// How long a process may take to stand still, and for each call that it makes for us. One that waits for a disk longer
/// than this is tried again by whoever asks.
const PATIENCE: Duration = Duration::from_secs(2);

/// What stands for what is in use, opened in the same way; `None` for what stays as it is.
pub(super) type Choose<'a> = &'a (dyn Fn(&Place, OFlags) -> Result<Option<OwnedFd>, Errno> + Sync);

/// What came of it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Exchanged {
    /// Files, directories and mappings.
    pub(super) count: usize,
    /// How long the process stood still.
    pub(super) still: Duration,
}

/// Exchanges what `choose` has something else for, some files at a time, so that the process never stands still for long.
/// Nothing of a process that is gone.
///
/// # Errors
/// When the process does not stand still, or something could not be exchanged; what was before that has been.
pub(super) fn exchange(process: &ProcessIdentity, choose: Choose<'_>) -> Result<Exchanged, LinuxError> {
    let mut all = Exchanged::default();
    loop {
        let Some((some, is_all)) = exchange_some(process, choose)? else { return Ok(all) };
        all.count += some.count;
        all.still = all.still.max(some.still);
        if is_all {
            return Ok(all);
        }
    }
}

/// As many as are handed over at once, and whether that was all. `None` when the process is gone.
fn exchange_some(
    process: &ProcessIdentity,
    choose: Choose<'_>,
) -> Result<Option<(Exchanged, bool)>, LinuxError> {
    let pid = process.pid;
    hold(process, PATIENCE, |held| {
        let files = open_files(pid)?;
        let mut plan = Plan::default();
        for file in files {
            plan.add(pid, file, choose)?;
        }
        if let Some(at) = working_directory(pid) {
            let flags = OFlags::PATH | OFlags::DIRECTORY;
            plan.directory = choose(&at, flags).map_err(|errno| plan_failed(&at, errno))?;
        }
        for mapped in mapped_files(pid)? {
            let place = place_of(&mapped);
            let found = choose(&place, OFlags::RDONLY).map_err(|errno| plan_failed(&place, errno))?;
            plan.mapped.extend(found.map(|file| (mapped, file)));
        }
        if plan.len() > 0 {
            let channel = Channel::open(held, process)?;
            let made = plan.make(held, pid, &channel);
            let closed = channel.close(held);
            // What went wrong first is what is told.
            made.and(closed)?;
        }
        Ok((Exchanged { count: plan.len(), still: held.held_for() }, !plan.is_full))
    })
}

fn plan_failed(at: &Place, errno: Errno) -> LinuxError {
    LinuxError::call(format!("open {} once more", at.name.display()), errno)
}

fn place_of(mapped: &Mapping) -> Place {
    Place {
        name: mapped.name.clone().into(),
        is_removed: false,
        device: mapped.device,
        inode: mapped.inode,
        mount: 0,
        mode: libc::S_IFREG,
    }
}

/// What is to be exchanged, and for what.
#[derive(Default)]
struct Plan {
    files: Vec<Change>,
    directory: Option<OwnedFd>,
    mapped: Vec<(Mapping, OwnedFd)>,
    /// Whether there may be more.
    is_full: bool,
}

/// One opened file, under all numbers that it has in the process.
struct Change {
    first: OpenFile,
    /// Number and whether it is closed when another program is started.
    numbers: Vec<(i32, bool)>,
    by: OwnedFd,
}

impl Plan {
    fn add(&mut self, pid: u32, file: OpenFile, choose: Choose<'_>) -> Result<(), LinuxError> {
        let closes = file.flags & libc::O_CLOEXEC != 0;
        let same = |change: &&mut Change| is_same(pid, &change.first, &file);
        if let Some(known) = self.files.iter_mut().find(same) {
            known.numbers.push((file.number, closes));
            return Ok(());
        }
        if self.files.len() == MOST {
            self.is_full = true;
            return Ok(());
        }
        let flags = OFlags::from_bits_retain(file.flags.cast_unsigned());
        let kept = OFlags::RWMODE
            | OFlags::APPEND
            | OFlags::NONBLOCK
            | OFlags::SYNC
            | OFlags::DSYNC
            | OFlags::DIRECT
            | OFlags::NOATIME
            | OFlags::PATH
            | OFlags::DIRECTORY;
        let failed = |errno| plan_failed(&file.at, errno);
        let Some(by) = choose(&file.at, flags & kept).map_err(failed)? else { return Ok(()) };
        if !flags.contains(OFlags::PATH) {
            seek(&by, SeekFrom::Start(file.position)).map_err(failed)?;
        }
        self.files.push(Change { numbers: vec![(file.number, closes)], first: file, by });
        Ok(())
    }

    fn len(&self) -> usize {
        self.files.len() + usize::from(self.directory.is_some()) + self.mapped.len()
    }

    fn make(&self, held: &mut Held, pid: u32, channel: &Channel) -> Result<(), LinuxError> {
        if !self.files.is_empty() {
            let files: Vec<_> = self.files.iter().map(|change| change.by.as_fd()).collect();
            let given = channel.hand(held, &files)?;
            for (change, &given) in self.files.iter().zip(&given) {
                for &(number, closes) in &change.numbers {
                    let flags = if closes { word(libc::O_CLOEXEC) } else { 0 };
                    let words = [given, word(number), flags].map(Into::into);
                    held.call("exchange an open file", libc::SYS_dup3, &words)?;
                }
            }
            close_all(held, &given)?;
        }
        // Closing a file gives up all locks of its process on it, so that they are taken after the last exchange.
        for change in &self.files {
            for lock in &change.first.locks {
                take(held, change.first.number, *lock)?;
            }
        }
        if let Some(directory) = &self.directory {
            for given in channel.hand(held, &[directory.as_fd()])? {
                held.call("change the directory", libc::SYS_fchdir, &[given.into()])?;
                held.call("close a directory", libc::SYS_close, &[given.into()])?;
            }
        }
        for (mapped, file) in &self.mapped {
            for given in channel.hand(held, &[file.as_fd()])? {
                let changed = change_mapping(held, pid, mapped, given);
                let closed = held.call("close a file", libc::SYS_close, &[given.into()]);
                changed.and(closed)?;
            }
        }
        Ok(())
    }
}

/// Closes all of these, which mostly follow on each other, in one call where that can be.
fn close_all(held: &mut Held, numbers: &[u64]) -> Result<(), LinuxError> {
    if let ([first, .., last], true) = (numbers, numbers.windows(2).all(|pair| pair[1] == pair[0] + 1)) {
        let words = [*first, *last, 0].map(Into::into);
        if held.call("close files", libc::SYS_close_range, &words).is_ok() {
            return Ok(());
        }
    }
    // A filter of system calls may be older than that call.
    for number in numbers {
        held.call("close a file", libc::SYS_close, &[(*number).into()])?;
    }
    Ok(())
}

/// Whether two numbers of a process stand for what was opened once, with one position for both.
fn is_same(pid: u32, one: &OpenFile, other: &OpenFile) -> bool {
    if one.at.inode != other.at.inode || one.at.device != other.at.device || one.position != other.position {
        return false;
    }
    /// `KCMP_FILE` of the kernel's kcmp.h.
    const FILE: libc::c_int = 0;
    // SAFETY: the kernel compares what the numbers stand for, and no memory changes.
    let answer = unsafe { libc::syscall(libc::SYS_kcmp, pid, pid, FILE, one.number, other.number) };
    answer == 0
}

fn take(held: &mut Held, number: i32, lock: Lock) -> Result<(), LinuxError> {
    let what = "take a lock again";
    if lock.owner == Owner::Whole {
        let how = if lock.exclusive { libc::LOCK_EX } else { libc::LOCK_SH };
        let words = [word(number), word(how | libc::LOCK_NB)].map(Into::into);
        return held.call(what, libc::SYS_flock, &words).map(drop);
    }
    let how = if lock.owner == Owner::Process { libc::F_SETLK } else { libc::F_OFD_SETLK };
    let bytes = lock.to_bytes();
    let words = [word(number).into(), word(how).into(), crate::trace::Argument::Bytes(&bytes)];
    held.call(what, libc::SYS_fcntl, &words).map(drop)
}

/// Maps another file in place of one, with the pages that the process has changed for itself: beside it first, and then
/// moved there in one step.
fn change_mapping(held: &mut Held, pid: u32, mapped: &Mapping, file: u64) -> Result<(), LinuxError> {
    let length = mapped.end - mapped.start;
    let rights = mapped.rights.bytes().zip([libc::PROT_READ, libc::PROT_WRITE, libc::PROT_EXEC]);
    let rights = rights.filter(|(letter, _)| *letter != b'-').fold(0, |all, (_, right)| all | right);
    let kind = if mapped.is_shared() { libc::MAP_SHARED } else { libc::MAP_PRIVATE };
    let words = [0, length, word(rights), word(kind), file, mapped.offset].map(Into::into);
    let beside = held.call("map a file", libc::SYS_mmap, &words)?;
    for page in pages_of_its_own(pid, mapped)? {
        let mut bytes = vec![0; usize::try_from(PAGE).expect("it is small")];
        held.memory().read(mapped.start + page, &mut bytes)?;
        held.memory().write(beside + page, &bytes)?;
    }
    let how = word(libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED);
    let words = [beside, length, length, how, mapped.start].map(Into::into);
    held.call("move what is mapped", libc::SYS_mremap, &words).map(drop)
}

const PAGE: u64 = 4096;

/// Where in a mapping the process has written, from its start: `/proc/PID/pagemap` of proc_pid_pagemap(5).
fn pages_of_its_own(pid: u32, mapped: &Mapping) -> Result<Vec<u64>, LinuxError> {
    const PRESENT: u64 = 1 << 63;
    const SWAPPED: u64 = 1 << 62;
    const OF_A_FILE: u64 = 1 << 61;
    if mapped.is_shared() {
        return Ok(Vec::new());
    }
    let path = std::path::PathBuf::from(format!("/proc/{pid}/pagemap"));
    let failed = |source| LinuxError::Read { path: path.clone(), source };
    let count = (mapped.end - mapped.start) / PAGE;
    let mut bytes = vec![0; usize::try_from(count * 8).expect("a pointer is as wide")];
    File::open(&path)
        .and_then(|file| file.read_exact_at(&mut bytes, mapped.start / PAGE * 8))
        .map_err(failed)?;
    let entries =
        bytes.chunks_exact(8).map(|entry| u64::from_ne_bytes(entry.try_into().expect("eight bytes")));
    let own = |entry: u64| entry & SWAPPED != 0 || entry & (PRESENT | OF_A_FILE) == PRESENT;
    Ok((0..count).zip(entries).filter(|(_, entry)| own(*entry)).map(|(page, _)| page * PAGE).collect())
}

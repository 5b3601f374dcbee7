//! Bringing every thread of a process to stand still.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::PathBuf,
    time::Duration,
};

use rustix::io::Errno;

use super::{
    Thread, obstacle,
    ptrace::{self, Stop, Tid},
};
use crate::{LinuxError, stat};

/// Seizes the threads there are, and those that are born meanwhile, until there are no more. None when the process is gone.
pub(super) fn every_thread(pid: u32, until: Duration) -> Result<Vec<Thread>, LinuxError> {
    let mut still = BTreeMap::new();
    let mut ended = BTreeSet::new();
    loop {
        let unknown = |tid: &Tid| !still.contains_key(tid) && !ended.contains(tid);
        let fresh: Vec<Tid> = threads_of(pid)?.into_iter().filter(unknown).collect();
        if fresh.is_empty() {
            match look(pid, &still)? {
                Ok(threads) => return Ok(threads),
                // It ended, or another thread has become it and the whole process, by starting another program.
                Err(moved) => {
                    still.remove(&moved);
                    sort(pid, moved, until, &mut still, &mut ended)?;
                }
            }
        }
        // All are told before one is waited for.
        let mut told = Vec::new();
        for tid in fresh {
            match ptrace::seize(tid).and_then(|()| ptrace::interrupt(tid)) {
                Ok(()) => told.push(tid),
                Err(errno) if errno == Errno::SRCH || is_dead(pid, tid) => {
                    ended.insert(tid);
                }
                Err(errno) => return Err(refused(pid, errno)),
            }
        }
        for tid in told {
            sort(pid, tid, until, &mut still, &mut ended)?;
        }
    }
}

/// Waits for a thread and sorts it in.
fn sort(
    pid: u32,
    tid: Tid,
    until: Duration,
    still: &mut BTreeMap<Tid, bool>,
    ended: &mut BTreeSet<Tid>,
) -> Result<(), LinuxError> {
    let failed = |errno| LinuxError::call(format!("hold thread {tid} of process {pid}"), errno);
    loop {
        match ptrace::wait(tid, until).map_err(failed)? {
            Some(Stop::Still { by_signal }) => {
                still.insert(tid, by_signal);
                return Ok(());
            }
            Some(Stop::Ended) => {
                ended.insert(tid);
                return Ok(());
            }
            // A signal that was already on its way; it is taken before the thread stands still.
            Some(Stop::Signal(signal)) => go_on(tid, signal).map_err(failed)?,
            Some(Stop::AtACall) => go_on(tid, 0).map_err(failed)?,
            None => return Err(time_is_up(format!("hold thread {tid} of process {pid}"))),
        }
    }
}

/// One that has ended goes nowhere; waiting for it tells.
fn go_on(tid: Tid, signal: i32) -> Result<(), Errno> {
    ptrace::go_on(tid, signal).or_else(|errno| if errno == Errno::SRCH { Ok(()) } else { Err(errno) })
}

/// The registers of all of them, or one that does not stand still.
fn look(pid: u32, still: &BTreeMap<Tid, bool>) -> Result<Result<Vec<Thread>, Tid>, LinuxError> {
    let mut threads = Vec::new();
    for (&tid, &is_stopped) in still {
        match ptrace::registers(tid) {
            Ok(Some(registers)) => threads.push(Thread { tid, registers, is_stopped }),
            Ok(None) => {
                let what = format!("hold process {pid}, which is of another architecture");
                return Err(LinuxError::Missing { what });
            }
            Err(Errno::SRCH) => return Ok(Err(tid)),
            Err(errno) => return Err(LinuxError::call(format!("read the registers of thread {tid}"), errno)),
        }
    }
    Ok(Ok(threads))
}

fn threads_of(pid: u32) -> Result<Vec<Tid>, LinuxError> {
    let path = PathBuf::from(format!("/proc/{pid}/task"));
    match std::fs::read_dir(&path) {
        Ok(entries) => {
            Ok(entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect())
        }
        Err(error) if stat::is_gone(&error) => Ok(Vec::new()),
        Err(source) => Err(LinuxError::Read { path, source }),
    }
}

/// Whether a thread has ended and only waits to be collected: it cannot be seized.
fn is_dead(pid: u32, tid: Tid) -> bool {
    let line = std::fs::read_to_string(format!("/proc/{pid}/task/{tid}/stat")).unwrap_or_default();
    stat::parse(&line).is_none_or(|stat| matches!(stat.state, 'Z' | 'X' | 'x'))
}

fn refused(pid: u32, errno: Errno) -> LinuxError {
    let what = format!("trace process {pid}");
    match obstacle::tracer_of(pid) {
        Some(tracer) => {
            LinuxError::Call { what, source: io::Error::other(format!("process {tracer} traces it")) }
        }
        None => LinuxError::call(what, errno),
    }
}

pub(super) fn time_is_up(what: String) -> LinuxError {
    let why = "it did not stand still in time: it may wait for a disk, or for a child to start its program";
    LinuxError::Call { what, source: io::Error::new(io::ErrorKind::TimedOut, why) }
}

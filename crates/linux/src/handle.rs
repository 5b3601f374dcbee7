//! Holding on to a process by descriptor (`pidfd`, Linux 5.3): its number may be reused, the descriptor never is.

use std::{
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    process::{Pid, PidfdFlags, pidfd_open, pidfd_send_signal, test_kill_process},
};
use steadfast_model::process::{ProcessIdentity, Signal};

use crate::{LinuxError, identity::boot_id, stat};

/// A living process, verified to be the one that was meant.
#[derive(Debug)]
pub struct ProcessHandle {
    descriptor: OwnedFd,
    identity: ProcessIdentity,
}

impl ProcessHandle {
    /// Holds on to a process; `None` when it is gone, has ended, or its number now belongs to another.
    ///
    /// The order makes it safe: first the descriptor, then the start time, then that the descriptor's process still
    /// lives. So the start time was read of the process that the descriptor holds.
    ///
    /// # Errors
    /// [`LinuxError::Missing`] without `pidfd`, and when the process table cannot be read.
    pub fn open(identity: &ProcessIdentity) -> Result<Option<Self>, LinuxError> {
        if identity.boot_id != boot_id()? {
            return Ok(None);
        }
        let Some(pid) = i32::try_from(identity.pid).ok().and_then(Pid::from_raw) else { return Ok(None) };
        let descriptor = match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(descriptor) => descriptor,
            // Threads have numbers too: they are refused with one of the last two.
            Err(Errno::SRCH | Errno::INVAL | Errno::NOENT) => return Ok(None),
            Err(errno) => {
                return Err(LinuxError::call(format!("hold on to process {}", identity.pid), errno));
            }
        };
        let started = stat::read(identity.pid)?.map(|stat| stat.start_time);
        let handle = Self { descriptor, identity: identity.clone() };
        Ok((started == Some(identity.start_time) && !handle.has_ended()?).then_some(handle))
    }

    /// Which process.
    #[must_use]
    pub fn identity(&self) -> &ProcessIdentity {
        &self.identity
    }

    /// Sends a signal; `false` when the process has ended meanwhile.
    ///
    /// # Errors
    /// [`LinuxError::Denied`] when this user may not.
    pub fn signal(&self, signal: Signal) -> Result<bool, LinuxError> {
        match pidfd_send_signal(&self.descriptor, native(signal)) {
            Ok(()) => Ok(true),
            Err(Errno::SRCH) => Ok(false),
            Err(errno) => {
                Err(LinuxError::call(format!("send {signal} to process {}", self.identity.pid), errno))
            }
        }
    }

    /// Whether this user may send it signals. Sends none.
    ///
    /// # Errors
    /// [`LinuxError::Denied`] when not.
    pub fn may_signal(&self) -> Result<(), LinuxError> {
        let pid = i32::try_from(self.identity.pid).ok().and_then(Pid::from_raw);
        match pid.map(test_kill_process) {
            Some(Err(Errno::SRCH)) | Some(Ok(())) | None => Ok(()),
            Some(Err(errno)) => Err(LinuxError::call(format!("signal process {}", self.identity.pid), errno)),
        }
    }

    /// Whether the process has ended with all its threads, collected by its parent or not.
    ///
    /// # Errors
    /// When the kernel cannot say.
    pub fn has_ended(&self) -> Result<bool, LinuxError> {
        self.ends_within(Duration::ZERO)
    }

    /// Waits for the end of the process, at most `timeout`. Blocks this thread.
    ///
    /// # Errors
    /// When the kernel cannot say.
    pub fn ends_within(&self, timeout: Duration) -> Result<bool, LinuxError> {
        wait_for_an_end(&[self], timeout)
    }

    /// Ends the process: asks with `TERM`, waits at most `patience`, then uses `KILL` and waits as long again.
    /// `false` when it is still there. Blocks this thread.
    ///
    /// # Errors
    /// [`LinuxError::Denied`] when this user may not.
    pub fn terminate(&self, patience: Duration) -> Result<bool, LinuxError> {
        for signal in [Signal::Term, Signal::Kill] {
            if !self.signal(signal)? || self.ends_within(patience)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl AsFd for ProcessHandle {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

/// Waits until at least one of the processes has ended, at most `timeout`. Blocks this thread.
///
/// # Errors
/// When the kernel cannot say.
pub fn wait_for_an_end(handles: &[&ProcessHandle], timeout: Duration) -> Result<bool, LinuxError> {
    let mut entries: Vec<PollFd<'_>> =
        handles.iter().map(|handle| PollFd::new(*handle, PollFlags::IN)).collect();
    let timeout = Timespec::try_from(timeout).unwrap_or(Timespec { tv_sec: i64::from(i32::MAX), tv_nsec: 0 });
    match poll(&mut entries, Some(&timeout)) {
        Ok(ended) => Ok(ended > 0),
        // A signal to this process: the caller asks again.
        Err(Errno::INTR) => Ok(false),
        Err(errno) => Err(LinuxError::call("wait for the end of a process", errno)),
    }
}

fn native(signal: Signal) -> rustix::process::Signal {
    use rustix::process::Signal as Native;
    match signal {
        Signal::Kill => Native::KILL,
        Signal::Term => Native::TERM,
        Signal::Int => Native::INT,
        Signal::Hup => Native::HUP,
        Signal::Quit => Native::QUIT,
        Signal::Abrt => Native::ABORT,
        Signal::Stop => Native::STOP,
        Signal::Cont => Native::CONT,
    }
}

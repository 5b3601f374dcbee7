//! Starting a program that ends with this one.
//!
//! It is given a pipe to read its orders from. The pipe closes when this process ends, however that comes, and a worker
//! ends when it does. (The kernel's own way, `PR_SET_PDEATHSIG`, follows the thread that started it, not the process.)

use std::{
    ffi::OsString,
    fs::File,
    os::fd::OwnedFd,
    process::{Child, Command, Stdio},
};

use crate::LinuxError;

/// Environment variables a worker keeps; all others may hold secrets of the one that started it.
const KEPT: [&str; 3] = ["PATH", "LANG", "RUST_BACKTRACE"];

/// A program started by [`start_worker`]. It is collected when this is dropped, if it has ended by then.
#[derive(Debug)]
pub struct Worker {
    child: Child,
}

/// The ends of a worker's pipes that belong to us.
#[derive(Debug)]
pub struct WorkerPipes {
    /// Its orders.
    pub orders: OwnedFd,
    /// Its answers.
    pub answers: OwnedFd,
}

/// Starts a worker that complains to `errors`.
///
/// # Errors
/// When `command` is empty or the program cannot be started.
pub fn start_worker(command: &[OsString], errors: File) -> Result<(Worker, WorkerPipes), LinuxError> {
    let what = || "start a worker".to_owned();
    let none = || LinuxError::start(what(), std::io::Error::other("no program named"));
    let (program, arguments) = command.split_first().ok_or_else(none)?;
    #[expect(clippy::disallowed_methods, reason = "this is the place where programs are started")]
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(errors)
        .env_clear();
    for name in KEPT {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    let mut child = command.spawn().map_err(|source| LinuxError::start(what(), source))?;
    match (child.stdin.take(), child.stdout.take()) {
        (Some(orders), Some(answers)) => {
            let pipes = WorkerPipes { orders: orders.into(), answers: answers.into() };
            Ok((Worker { child }, pipes))
        }
        _ => Err(none()),
    }
}

impl Worker {
    /// Its number.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.child.try_wait());
    }
}

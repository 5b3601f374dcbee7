//! Starting a program that outlives this one.
//!
//! The new program belongs to this one's session and process group until it calls [`become_session_leader`] itself:
//! moving it there from here would need unsafe code between fork and exec. Whoever starts it waits until it says that
//! it is ready, and by then it has moved.

use std::{
    ffi::OsString,
    fs::File,
    process::{Child, Command, Stdio},
};

use rustix::io::Errno;
use steadfast_model::ProcessIdentity;

use crate::{LinuxError, identity::identify};

/// Environment variables a detached program keeps; all others may hold secrets of the one that started it.
const KEPT: [&str; 5] = ["PATH", "HOME", "LANG", "RUST_BACKTRACE", "XDG_STATE_HOME"];

/// A program started by [`detach`]. Dropping this leaves the program running.
#[derive(Debug)]
pub struct Detached {
    child: Child,
}

/// Starts a program with `/` as its directory, nothing to read, no place to print, `errors` for its complaints, and
/// an environment without secrets.
///
/// # Errors
/// When `command` is empty or the program cannot be started.
pub fn detach(command: &[OsString], errors: File) -> Result<Detached, LinuxError> {
    let Some((program, arguments)) = command.split_first() else {
        return Err(LinuxError::start("start a program", std::io::Error::other("no program named")));
    };
    #[expect(clippy::disallowed_methods, reason = "this is the place where programs are started")]
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(errors)
        .env_clear();
    for name in KEPT {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    let what = || format!("start {}", program.to_string_lossy());
    Ok(Detached { child: command.spawn().map_err(|source| LinuxError::start(what(), source))? })
}

impl Detached {
    /// Its number.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Which process it is; `None` once it has ended.
    ///
    /// # Errors
    /// When the process table cannot be read.
    pub fn identity(&self) -> Result<Option<ProcessIdentity>, LinuxError> {
        identify(self.child.id())
    }

    /// Whether it has ended, and how, in words. Collects it, so that it does not linger as a zombie.
    ///
    /// # Errors
    /// When the kernel cannot say.
    pub fn ended(&mut self) -> Result<Option<String>, LinuxError> {
        let ended = self.child.try_wait();
        ended
            .map(|status| status.map(|status| status.to_string()))
            .map_err(|source| LinuxError::start(format!("look after process {}", self.child.id()), source))
    }
}

/// Moves this process into a session of its own, away from the terminal and the process group it was started in.
/// A process that already leads a group cannot leave it and stays, as one does that was started from a shell by hand.
///
/// # Errors
/// When the kernel refuses for another reason.
pub fn become_session_leader() -> Result<(), LinuxError> {
    match rustix::process::setsid() {
        Ok(_) | Err(Errno::PERM) => Ok(()),
        Err(errno) => Err(LinuxError::call("start a session", errno)),
    }
}

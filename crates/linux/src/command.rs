//! Running a program of somebody else so that nothing of it stays.
//!
//! Between this process and the program stands a *keeper*, this program once more ([`keep`]). It is held by a pipe: when
//! the pipe closes, be it that the answer is not wanted any more or that this process was killed, the keeper kills the
//! program and everything the program started, and ends. It is the "subreaper" of all that, so that a daemon that moved
//! into a session of its own comes back to it. The program itself is killed by the kernel when the keeper is.

mod keeper;

use std::{
    ffi::OsString,
    io::{self, Read, Write},
    process::{Child, ChildStdin, Command, Stdio},
};

use serde::{Deserialize, Serialize};

use crate::LinuxError;

pub use keeper::keep;

/// What a program finds in its environment, as far as this process has it. All else may be a secret.
const KEPT: [&str; 6] = ["PATH", "HOME", "USER", "LANG", "TZ", "XDG_RUNTIME_DIR"];

/// The longest answer of a keeper, in bytes.
const LONGEST_ANSWER: u64 = 16 * 1024 * 1024;

/// A program to run. It is passed on by a pipe, never as an argument, since `env` may hold secrets.
#[derive(Clone, Serialize, Deserialize)]
pub struct CommandOrder {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// Variables of its environment, beside `PATH`, `HOME`, `USER`, `LANG`, `TZ` and `XDG_RUNTIME_DIR`.
    pub env: Vec<(String, String)>,
    /// It is killed after this many milliseconds.
    pub timeout_ms: u64,
    /// It is killed when it prints more, in bytes.
    pub longest_output: usize,
}

/// What became of a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandReport {
    /// How it ended.
    pub end: CommandEnding,
    /// What it printed; what is no UTF-8 is replaced.
    pub output: String,
    /// The end of what it complained about.
    pub errors: String,
    /// Processes it started that could not be killed: they belong to another user.
    pub left: Vec<i32>,
}

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum CommandEnding {
    /// By itself.
    Exited(i32),
    /// By a signal that was not the keeper's.
    Killed(i32),
    /// Its time was over.
    Late,
    /// It printed too much.
    TooMuch,
    /// It could not be started, and why.
    NotStarted(String),
}

/// Holds a program. When this is dropped, the program and all that it started are killed.
#[derive(Debug)]
pub struct Held {
    _pipe: ChildStdin,
}

/// A program at work.
#[derive(Debug)]
pub struct Kept {
    child: Child,
}

/// Starts a program below a keeper; `keeper` is a command line that calls [`keep`].
///
/// # Errors
/// When the keeper cannot be started. Whether the program could is known at its end.
pub fn run_kept(keeper: &[OsString], order: &CommandOrder) -> Result<(Held, Kept), LinuxError> {
    let what = || format!("run {}", order.argv.first().map_or("", String::as_str));
    let failed = |source| LinuxError::start(what(), source);
    let (program, arguments) =
        keeper.split_first().ok_or_else(|| failed(io::Error::other("no keeper is named")))?;
    #[expect(clippy::disallowed_methods, reason = "this is the place where programs are started")]
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).env_clear();
    for name in KEPT {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    let mut child = command.spawn().map_err(failed)?;
    let mut hold = child.stdin.take().expect("it was asked for a pipe");
    let mut line = serde_json::to_vec(order).map_err(|error| failed(error.into()))?;
    line.push(b'\n');
    let kept = Kept { child };
    hold.write_all(&line).map_err(failed)?;
    Ok((Held { _pipe: hold }, kept))
}

impl Kept {
    /// The keeper's number.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the program and everything it started are gone. Blocks this thread.
    ///
    /// # Errors
    /// When the keeper died, or was let go before the end.
    pub fn wait(mut self) -> Result<CommandReport, LinuxError> {
        let failed = |source| LinuxError::start("hear of the end of a program", source);
        let mut said = Vec::new();
        let output = self.child.stdout.take().expect("it was asked for a pipe");
        let read = output.take(LONGEST_ANSWER).read_to_end(&mut said);
        let status = self.child.wait().map_err(failed)?;
        read.map_err(failed)?;
        serde_json::from_slice(&said)
            .map_err(|_| failed(io::Error::other(format!("its keeper ended with {status} and said nothing"))))
    }
}

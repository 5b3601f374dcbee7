//! Processes that do nothing, to act on.

use std::{
    path::Path,
    process::{Child, Command, ExitStatus},
};

/// A process that sleeps for a minute at most. Killed and collected when dropped.
#[derive(Debug)]
pub struct Sleeper {
    child: Child,
}

impl Sleeper {
    /// Starts one.
    ///
    /// # Panics
    /// When `sleep` cannot be started.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "starting a process is no default")]
    pub fn new() -> Self {
        #[expect(clippy::disallowed_methods, reason = "a process to act on")]
        let child = Command::new("sleep").arg("60").spawn().expect("every system has `sleep`");
        Self { child }
    }

    /// Starts one that runs this copy of `sleep`.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn running(program: &Path) -> Self {
        #[expect(clippy::disallowed_methods, reason = "a process to act on")]
        let child = Command::new(program).arg("60").spawn().expect("it is a copy of `sleep`");
        Self { child }
    }

    /// Starts one in a network namespace.
    ///
    /// # Panics
    /// When `ip` cannot be started.
    #[must_use]
    pub fn inside(netns: &str) -> Self {
        #[expect(clippy::disallowed_methods, reason = "a process to act on")]
        let child = Command::new("ip").args(["netns", "exec", netns, "sleep", "60"]).spawn();
        Self { child: child.expect("the system has `ip`") }
    }

    /// Its number.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The letter of its state in `/proc/PID/stat`: `S` sleeps, `T` is stopped, `Z` has ended. `None` once collected.
    #[must_use]
    pub fn state(&self) -> Option<char> {
        let line = std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).ok()?;
        line.rsplit_once(") ")?.1.chars().next()
    }

    /// Whether it lives and is not stopped.
    #[must_use]
    pub fn runs(&self) -> bool {
        matches!(self.state(), Some('S' | 'R' | 'D'))
    }

    /// Ends it and collects it.
    ///
    /// # Panics
    /// When it cannot be ended.
    pub fn end(&mut self) -> ExitStatus {
        self.child.kill().expect("a child can be killed");
        self.child.wait().expect("a child can be collected")
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        self.end();
    }
}

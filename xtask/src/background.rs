//! Programs that work while we do something else.

use std::{
    fs::File,
    path::Path,
    process::{Child, Command},
};

use anyhow::{Context, Result, ensure};

use crate::program::program;

/// A program under way; killed when dropped.
pub(crate) struct Background {
    child: Child,
    what: String,
}

impl Background {
    pub(crate) fn start(mut command: Command) -> Result<Self> {
        let what = format!("{command:?}");
        let child = command.spawn().with_context(|| format!("start {what}"))?;
        Ok(Self { child, what })
    }

    /// One that has processors only while nothing else wants them.
    pub(crate) fn start_idle(command: &Command) -> Result<Self> {
        Self::start(Self::idle(command))
    }

    /// The same, with all that it says going into a file.
    pub(crate) fn start_idle_into(command: &Command, file: &Path) -> Result<Self> {
        let said = File::create(file).with_context(|| format!("make {}", file.display()))?;
        let mut idle = Self::idle(command);
        idle.stdout(said.try_clone()?).stderr(said);
        Self::start(idle)
    }

    fn idle(command: &Command) -> Command {
        let mut idle = program("chrt", &["--idle", "0"]);
        idle.arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => idle.env(name, value),
                None => idle.env_remove(name),
            };
        }
        idle
    }

    /// Waits for its end; fails when it does.
    pub(crate) fn finish(mut self) -> Result<()> {
        let status = self.child.wait()?;
        ensure!(status.success(), "{} ended with {status}", self.what);
        Ok(())
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // It has ended already, unless something before it failed. A compiler that it has started ends with its crate.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_says_goes_into_a_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let command = program("sh", &["-c", "echo one; echo two >&2"]);
        Background::start_idle_into(&command, file.path()).unwrap().finish().unwrap();
        assert_eq!(std::fs::read_to_string(file.path()).unwrap(), "one\ntwo\n");
    }

    #[test]
    fn a_failure_is_told_with_what_was_asked_for() {
        let mut command = program("sh", &["-c", "exit $HOW"]);
        Background::start_idle(command.env("HOW", "0")).unwrap().finish().unwrap();
        let why = Background::start_idle(command.env("HOW", "3")).unwrap().finish().unwrap_err().to_string();
        assert!(why.contains("exit $HOW") && why.contains('3'), "{why}");
    }
}

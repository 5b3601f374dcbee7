//! What every command that touches the machine needs: where state is, what time it is, who we are.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use rustix::fs::Mode;
use steadfast_host::{LocalHost, LocalHostOptions, Policies, Timing};
use steadfast_ledger::{LedgerError, StateDir};
use steadfast_linux::SystemClock;
use steadfast_model::binding::Binding;
use steadfast_store::Sqlite;

use crate::{
    commands::recover,
    failure::Failure,
    terminal::{Style, Terminal, paint},
};

/// An open state directory and what goes with it.
pub(crate) struct Session {
    /// How to write to people.
    pub(crate) terminal: Terminal,
    /// Where state is.
    pub(crate) state: StateDir,
    /// The time.
    pub(crate) clock: Arc<SystemClock>,
    /// This program, to be started again as reaper, proxy or service.
    program: PathBuf,
}

impl Session {
    /// Opens the state directory.
    ///
    /// # Errors
    /// When there is no place for state, or it is not fit to hold a ledger.
    pub(crate) fn open(chosen: Option<&Path>, terminal: Terminal) -> Result<Self, Failure> {
        // What is kept here, and what the processes started from here keep, is nobody else's to read.
        rustix::process::umask(Mode::RWXG | Mode::RWXO);
        let state = match StateDir::of_this_user(chosen) {
            Err(LedgerError::NoPlace { .. } | LedgerError::Io { .. }) if chosen.is_none() => {
                fallback(terminal)?
            }
            other => other.map_err(|error| Failure::failed(error.with_causes()).hint(error.hint()))?,
        };
        let clock =
            SystemClock::new().map_err(|error| Failure::failed(format!("read the boot clock: {error}")))?;
        let program = std::env::current_exe()
            .map_err(|error| Failure::failed(format!("find the path of this program: {error}")))?;
        Ok(Self { terminal, state, clock: Arc::new(clock), program })
    }

    /// The state directory's path.
    pub(crate) fn folder(&self) -> &Path {
        self.state.path()
    }

    /// A command line that starts this program with the same state directory.
    pub(crate) fn command(&self, words: &[&str]) -> Vec<String> {
        let own = [
            self.program.display().to_string(),
            "--state-dir".to_owned(),
            self.folder().display().to_string(),
        ];
        own.into_iter().chain(words.iter().map(|word| (*word).to_owned())).collect()
    }

    /// This machine, with what the names in documents stand for.
    ///
    /// # Errors
    /// When this process or boot cannot be told.
    pub(crate) fn host(&self, binding: Binding) -> Result<LocalHost, Failure> {
        let options = LocalHostOptions {
            state: self.state.clone(),
            binding,
            reaper: self.command(&["reaper"]).into_iter().map(Into::into).collect(),
            timing: Timing::default(),
        };
        let worker = |name| self.command(&[name]).into_iter().map(Into::into).collect();
        let host = LocalHost::new(options).map(|host| {
            host.with_worker(worker("network-worker"))
                .with_stress_worker(worker("stress-worker"))
                .with_file_worker(worker("file-worker"))
                .with_policies(self.policies())
        });
        host.map_err(|error| Failure::failed(&error).hint(error.hint.as_ref()))
    }

    /// What the owner of this machine allows, and what `STEADFAST_POLICY` takes away from that.
    pub(crate) fn policies(&self) -> Policies {
        let more = std::env::var_os("STEADFAST_POLICY").filter(|file| !file.is_empty());
        more.into_iter().fold(Policies::default(), |policies, file| policies.and(file.into()))
    }

    /// The history.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub(crate) async fn history(&self) -> Result<Sqlite, Failure> {
        Ok(Sqlite::open(&self.history_file()).await?)
    }

    /// Where the history is.
    pub(crate) fn history_file(&self) -> PathBuf {
        self.folder().join("history.sqlite")
    }

    /// Undoes what processes that died have left behind. Any command does this before its own work: it may be the
    /// first to come by.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub(crate) async fn clean_up(&self) -> Result<(), Failure> {
        let recovery = recover::run(self).await?;
        recover::say(&recovery, self.terminal);
        Ok(())
    }
}

/// A place for somebody without a usable home: durable, unlike `/tmp` on many machines, and their own.
fn fallback(terminal: Terminal) -> Result<StateDir, Failure> {
    let user = rustix::process::geteuid().as_raw();
    let place = PathBuf::from(format!("/var/tmp/steadfast-{user}"));
    let state =
        StateDir::open(&place).map_err(|error| Failure::failed(error.with_causes()).hint(error.hint()))?;
    terminal.say(format_args!(
        "{} there is no usable home directory; state is kept in {}",
        paint(terminal.stderr_colour, Style::Dim, "note:"),
        place.display()
    ));
    Ok(state)
}

//! Where state lives: durable, and closed to everybody else.

use std::{
    ffi::OsString,
    fs::File,
    path::{Path, PathBuf},
};

use crate::{LedgerError, private_file};

/// A directory fit to hold a ledger: ours, mode 0700, on a disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateDir {
    root: PathBuf,
}

impl StateDir {
    /// Where state belongs: `chosen` if given, `/var/lib/steadfast` for root, else `$XDG_STATE_HOME/steadfast` or
    /// `$HOME/.local/state/steadfast`. `environment` looks variables up.
    ///
    /// # Errors
    /// [`LedgerError::NoPlace`] for a user without a home.
    pub fn locate(
        chosen: Option<&Path>,
        is_root: bool,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<PathBuf, LedgerError> {
        if let Some(chosen) = chosen {
            return std::path::absolute(chosen).map_err(LedgerError::io("find", chosen));
        }
        if is_root {
            return Ok(PathBuf::from("/var/lib/steadfast"));
        }
        // The XDG base directory specification tells to ignore paths that are not absolute.
        let absolute = |name: &str| environment(name).map(PathBuf::from).filter(|path| path.is_absolute());
        if let Some(state) = absolute("XDG_STATE_HOME") {
            return Ok(state.join("steadfast"));
        }
        match absolute("HOME") {
            Some(home) => Ok(home.join(".local/state/steadfast")),
            None => Err(LedgerError::NoPlace {
                why: "neither XDG_STATE_HOME nor HOME is an absolute path".into(),
            }),
        }
    }

    /// [`StateDir::locate`] for the user and environment of this process, then [`StateDir::open`].
    ///
    /// # Errors
    /// As both.
    pub fn of_this_user(chosen: Option<&Path>) -> Result<Self, LedgerError> {
        let is_root = rustix::process::geteuid().is_root();
        Self::open(&Self::locate(chosen, is_root, |name| std::env::var_os(name))?)
    }

    /// Makes the directory and what belongs below it where missing, and checks that it is fit.
    ///
    /// # Errors
    /// [`LedgerError::Unfit`] when it lives in memory, belongs to somebody else, is open to others or a link.
    pub fn open(root: &Path) -> Result<Self, LedgerError> {
        let opened = Self { root: root.to_owned() };
        private_file::ensure_directory(root)?;
        if let Some(name) = volatile_filesystem(root)? {
            return Err(LedgerError::Unfit {
                path: root.to_owned(),
                why: format!("it is on {name}, which a reboot empties: an undo record must outlive that"),
                hint: "name a directory on a disk with --state-dir".to_owned(),
            });
        }
        private_file::ensure_directory(&opened.ledger())?;
        private_file::ensure_directory(&opened.closed())?;
        private_file::open_or_create(&opened.lock())?;
        Ok(opened)
    }

    /// The directory itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// Live and abandoned injections.
    #[must_use]
    pub fn ledger(&self) -> PathBuf {
        self.root.join("ledger")
    }

    /// Injections that were undone.
    #[must_use]
    pub fn closed(&self) -> PathBuf {
        self.root.join("ledger/closed")
    }

    /// Held while looking for conflicts and beginning an injection.
    #[must_use]
    pub fn lock(&self) -> PathBuf {
        self.root.join("ledger/lock")
    }

    /// Held by the reaper, with its identity inside.
    #[must_use]
    pub fn reaper_lock(&self) -> PathBuf {
        self.root.join("reaper.lock")
    }

    /// What the reaper has to say.
    #[must_use]
    pub fn reaper_log(&self) -> PathBuf {
        self.root.join("reaper.log")
    }
}

/// The name of a file system that lives in memory only. Magic numbers of linux/magic.h.
fn volatile_filesystem(directory: &Path) -> Result<Option<&'static str>, LedgerError> {
    let opened = File::open(directory).map_err(LedgerError::io("open", directory))?;
    let found =
        rustix::fs::fstatfs(&opened).map_err(|errno| LedgerError::io("look at", directory)(errno.into()))?;
    Ok(match u64::try_from(found.f_type).unwrap_or(0) & 0xffff_ffff {
        0x0102_1994 => Some("tmpfs"),
        0x8584_58f6 => Some("ramfs"),
        _ => None,
    })
}

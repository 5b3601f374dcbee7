//! All injections of a state directory.

use std::{
    fs::File,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use steadfast_model::{BootTime, InjectionId};

use crate::{
    Account, LedgerError, Page, StateDir,
    entry::{Opening, State},
    lease, private_file,
};

/// The ledger of a state directory. Any number of processes may use it at once.
#[derive(Debug, Clone)]
pub struct Ledger {
    dir: StateDir,
}

/// The right to begin injections, and the certainty that nobody else does, until dropped.
#[derive(Debug)]
pub struct GlobalLock {
    _file: File,
}

/// What came of beginning.
#[derive(Debug)]
pub enum Begun {
    /// The injection is written down; changes may be recorded.
    New(Box<Page>),
    /// It was begun before, and this is what came of it.
    Known(Box<Account>),
}

/// What came of asking for an injection's file.
#[derive(Debug)]
pub enum Held {
    /// It is ours until dropped.
    Page(Box<Page>),
    /// Somebody else holds it.
    Busy,
    /// It is not among the live ones.
    Closed,
}

/// One file among the live ones.
#[derive(Debug)]
pub enum Listed {
    /// It could be read, at least in part.
    Account(Box<Account>),
    /// It could not be read or trusted at all, and something may be left behind.
    Foreign {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

impl Ledger {
    /// The ledger of a state directory.
    #[must_use]
    pub fn new(dir: StateDir) -> Self {
        Self { dir }
    }

    /// Where it is.
    #[must_use]
    pub fn dir(&self) -> &StateDir {
        &self.dir
    }

    /// Takes the lock on the whole ledger, without waiting; `None` when somebody else holds it.
    ///
    /// # Errors
    /// When the lock file cannot be used.
    pub fn try_lock(&self) -> Result<Option<GlobalLock>, LedgerError> {
        let path = self.dir.lock();
        let file = private_file::open_or_create(&path)?;
        Ok(private_file::try_lock(&file, &path)?.then_some(GlobalLock { _file: file }))
    }

    /// Looks for conflicts with live injections and writes the first line.
    ///
    /// # Errors
    /// [`LedgerError::Conflict`], and when the line is not durable: then nothing was begun.
    pub fn begin(&self, _lock: &GlobalLock, opening: &Opening) -> Result<Begun, LedgerError> {
        if let Some(known) = self.find(opening.injection)? {
            return Ok(Begun::Known(Box::new(known)));
        }
        self.check_conflicts(&opening.keys)?;
        Ok(Begun::New(Box::new(Page::begin(self.dir.clone(), opening)?)))
    }

    /// Refuses keys that a live injection holds. Without the lock the answer may be outdated at once.
    ///
    /// # Errors
    /// [`LedgerError::Conflict`] with the first.
    pub fn check_conflicts(&self, keys: &[String]) -> Result<(), LedgerError> {
        for listed in self.live()? {
            let Listed::Account(account) = listed else { continue };
            if account.state == State::Reverted {
                continue;
            }
            let held = account.keys();
            if let Some(key) = keys.iter().find(|key| held.contains(key.as_str())) {
                return Err(LedgerError::Conflict {
                    key: key.clone(),
                    holder: account.injection,
                    fault: account
                        .opening
                        .as_ref()
                        .map_or_else(|| "damaged".into(), |opening| opening.fault.clone()),
                    deadline: account.deadline().unwrap_or(BootTime(0)),
                    abandoned: account.state == State::Abandoned,
                });
            }
        }
        Ok(())
    }

    /// Every file among the live ones, oldest first.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn live(&self) -> Result<Vec<Listed>, LedgerError> {
        let directory = self.dir.ledger();
        let entries = std::fs::read_dir(&directory).map_err(LedgerError::io("read", &directory))?;
        let mut names: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        names.sort();
        let mut listed = Vec::new();
        for path in names {
            let known = path.extension().and_then(|extension| extension.to_str());
            // Spool files of runs lay here once. They hold events, and no way back.
            let no_injection = matches!(known, Some("lease" | "new" | "events"));
            if path == self.dir.closed() || path == self.dir.lock() || no_injection {
                continue;
            }
            listed.extend(Self::list(&path));
        }
        Ok(listed)
    }

    /// What became of an injection, live or closed; `None` when it is not known.
    ///
    /// # Errors
    /// When its file cannot be read or trusted.
    pub fn find(&self, injection: InjectionId) -> Result<Option<Account>, LedgerError> {
        // Closing moves a file from the first place to the second, so this order cannot miss it.
        for path in [self.page_path(injection), self.dir.closed().join(format!("{injection}.jsonl"))] {
            if let Some(bytes) = private_file::read(&path)? {
                return Ok(Some(Account::read(injection, &bytes)));
            }
        }
        Ok(None)
    }

    /// Takes an injection's file, without waiting.
    ///
    /// # Errors
    /// When the file cannot be read or trusted.
    pub fn try_page(&self, injection: InjectionId) -> Result<Held, LedgerError> {
        let path = self.page_path(injection);
        let Some(mut file) = private_file::open(&path)? else { return Ok(Held::Closed) };
        if !private_file::try_lock(&file, &path)? {
            return Ok(Held::Busy);
        }
        // Closed while we waited: what we hold is not what bears the name now.
        let held = file.metadata().map_err(LedgerError::io("look at", &path))?;
        match std::fs::symlink_metadata(&path) {
            Ok(named) if (named.dev(), named.ino()) == (held.dev(), held.ino()) => {}
            _ => return Ok(Held::Closed),
        }
        let bytes = private_file::read_opened(&mut file, &path, held.len())?;
        let account = Account::read(injection, &bytes);
        Ok(Held::Page(Box::new(Page::new(file, path, self.dir.clone(), account))))
    }

    /// The instant at which an injection's lease runs out: the last renewal, else what its first line says.
    ///
    /// # Errors
    /// When the lease file cannot be read or trusted.
    pub fn lease(&self, account: &Account) -> Result<Option<BootTime>, LedgerError> {
        let renewed = lease::read(&self.lease_path(account.injection))?;
        Ok(renewed.or(account.opening.as_ref().map(|opening| opening.lease)))
    }

    /// Moves the lease of a live injection. The deadline stays.
    ///
    /// # Errors
    /// [`LedgerError::NotLive`] when it is closed.
    pub fn renew(&self, injection: InjectionId, until: BootTime) -> Result<(), LedgerError> {
        let renewed = lease::renew(&self.lease_path(injection), until)?;
        if renewed { Ok(()) } else { Err(LedgerError::NotLive { injection }) }
    }

    fn page_path(&self, injection: InjectionId) -> PathBuf {
        self.dir.ledger().join(format!("{injection}.jsonl"))
    }

    fn lease_path(&self, injection: InjectionId) -> PathBuf {
        self.dir.ledger().join(format!("{injection}.lease"))
    }

    fn list(path: &Path) -> Option<Listed> {
        let foreign = |why: String| Some(Listed::Foreign { path: path.to_owned(), why });
        let named = path.file_name()?.to_str().and_then(|name| name.strip_suffix(".jsonl")?.parse().ok());
        let Some(injection) = named else { return foreign("its name is not that of an injection".into()) };
        match private_file::read(path) {
            Ok(Some(bytes)) => {
                let account = Account::read(injection, &bytes);
                if account.last.is_none() {
                    return foreign(account.troubles.join("; "));
                }
                Some(Listed::Account(Box::new(account)))
            }
            // Closed since the directory was read.
            Ok(None) => None,
            Err(error) => foreign(error.with_causes()),
        }
    }
}

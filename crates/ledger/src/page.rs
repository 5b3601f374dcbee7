//! One injection's file, held under its lock.

use std::{
    fs::File,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use serde_json::Value;
use steadfast_model::undo::UndoVerb;

use crate::{
    Account, LedgerError, StateDir,
    entry::{Body, Entry, FORMAT, Opening, State, StateLine, UndoRecord},
    line, private_file,
};

/// How many closed files are kept.
pub const CLOSED_KEPT: usize = 1_000;

/// The right to write one injection's file, until dropped.
#[derive(Debug)]
pub struct Page {
    file: File,
    path: PathBuf,
    dir: StateDir,
    account: Account,
}

impl Page {
    pub(crate) fn new(file: File, path: PathBuf, dir: StateDir, account: Account) -> Self {
        Self { file, path, dir, account }
    }

    /// What the file says.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// Writes down the way back from a change. When this returns, the change may be made.
    ///
    /// # Errors
    /// When it is not durable: the change must not be made. Nothing is left of the record.
    pub fn record(&mut self, verb: &UndoVerb, keys: Vec<String>) -> Result<(), LedgerError> {
        self.append(&Body::Undo(UndoRecord::new(verb, keys)))
    }

    /// Writes down a change of state.
    ///
    /// # Errors
    /// When it is not durable.
    pub fn state(
        &mut self,
        state: State,
        note: Option<String>,
        manual: Vec<String>,
    ) -> Result<(), LedgerError> {
        self.append(&Body::State(StateLine { state, note, manual }))
    }

    /// Moves the file to the closed ones and drops the oldest of those.
    ///
    /// # Errors
    /// When it cannot be moved; whoever looks next does it then.
    pub fn close(self) -> Result<(), LedgerError> {
        let closed = self.dir.closed();
        let name = format!("{}.jsonl", self.account.injection);
        std::fs::rename(&self.path, closed.join(name)).map_err(LedgerError::io("close", &self.path))?;
        remove_if_there(&self.dir.ledger().join(format!("{}.lease", self.account.injection)))?;
        private_file::sync_directory(&closed)?;
        private_file::sync_directory(&self.dir.ledger())?;
        prune(&closed)
    }

    pub(crate) fn begin(dir: StateDir, opening: &Opening) -> Result<Self, LedgerError> {
        let name = opening.injection.to_string();
        let ledger = dir.ledger();
        let (draft, path) = (ledger.join(format!("{name}.new")), ledger.join(format!("{name}.jsonl")));
        let lease = ledger.join(format!("{name}.lease"));
        sweep(&ledger)?;
        let begun = Self::write_draft(dir, opening, &draft, &lease).and_then(|mut page| {
            std::fs::rename(&draft, &path).map_err(LedgerError::io("write", &path))?;
            page.path.clone_from(&path);
            private_file::sync_directory(&ledger)?;
            Ok(page)
        });
        begun.inspect_err(|_| {
            // Nothing was promised yet; what cannot be removed now is swept by the next that begins.
            drop([&path, &draft, &lease].map(std::fs::remove_file));
        })
    }

    fn write_draft(
        dir: StateDir,
        opening: &Opening,
        draft: &Path,
        lease: &Path,
    ) -> Result<Self, LedgerError> {
        let file = private_file::create_new(draft)?;
        if !private_file::try_lock(&file, draft)? {
            return Err(LedgerError::io("lock", draft)(std::io::ErrorKind::WouldBlock.into()));
        }
        crate::lease::create(lease, opening.lease)?;
        let mut account = Account::read(opening.injection, b"");
        account.troubles.clear();
        account.last = Some(Entry {
            format: FORMAT,
            injection: opening.injection,
            run: opening.run,
            sequence: u64::MAX,
            injector: opening.injector.clone(),
            boot_id: opening.injector.boot_id.clone(),
            deadline: opening.deadline,
            body: Value::Null,
        });
        let mut page = Self::new(file, draft.to_owned(), dir, account);
        page.append(&Body::Opened(Box::new(opening.clone())))?;
        Ok(page)
    }

    /// Adds a line and makes it durable. What a crash or a full disk left of an earlier one is cut off first.
    fn append(&mut self, body: &Body) -> Result<(), LedgerError> {
        let unreadable = || LedgerError::Unreadable { path: self.path.clone() };
        let last = self.account.last.as_ref().ok_or_else(unreadable)?;
        let entry = Entry {
            sequence: last.sequence.wrapping_add(1),
            body: serde_json::to_value(body).expect("a line holds texts and numbers only"),
            ..last.clone()
        };
        let bytes =
            line::encode(&serde_json::to_string(&entry).expect("a line holds texts and numbers only"));
        let before = self.account.durable_bytes as u64;
        let added = self
            .file
            .set_len(before)
            .and_then(|()| self.file.write_all_at(&bytes, before))
            .and_then(|()| self.file.sync_all());
        if let Err(error) = added {
            // Best effort: a torn line is ignored by every reader, a whole one would promise a change never made,
            // which is harmless too.
            drop(self.file.set_len(before));
            return Err(LedgerError::io("write", &self.path)(error));
        }
        self.account.note(entry, body.clone(), bytes.len());
        Ok(())
    }
}

impl Account {
    fn note(&mut self, entry: Entry, body: Body, bytes: usize) {
        match body {
            Body::Opened(opening) => self.opening = Some(*opening),
            Body::Undo(record) => self.records.push(record),
            Body::State(line) => self.change_state(line),
        }
        self.last = Some(entry);
        self.durable_bytes += bytes;
    }
}

/// Removes what was left by processes that died while they began or closed an injection: drafts, and leases without a
/// file. Only under the lock on the whole ledger, as somebody may be about to rename a draft.
fn sweep(ledger: &Path) -> Result<(), LedgerError> {
    let entries = std::fs::read_dir(ledger).map_err(LedgerError::io("read", ledger))?;
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let extension = path.extension().and_then(|extension| extension.to_str());
        if extension == Some("new") || (extension == Some("lease") && !path.with_extension("jsonl").exists())
        {
            remove_if_there(&path)?;
        }
    }
    Ok(())
}

fn prune(closed: &Path) -> Result<(), LedgerError> {
    let entries = std::fs::read_dir(closed).map_err(LedgerError::io("read", closed))?;
    let mut names: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    // Ids begin with the time they were made.
    names.sort();
    let surplus = names.len().saturating_sub(CLOSED_KEPT);
    names.iter().take(surplus).try_for_each(|path| remove_if_there(path))
}

fn remove_if_there(path: &Path) -> Result<(), LedgerError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(LedgerError::io("remove", path)(error))
        }
        _ => Ok(()),
    }
}

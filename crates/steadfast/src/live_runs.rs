//! Runs that are under way on this machine, so that another terminal can end them.
//!
//! One small file a run, beside the ledger. It names a process by what makes it that process; a file whose process is
//! gone says nothing and is removed.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use steadfast_model::{ProcessIdentity, RunId};

/// A run under way.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LiveRun {
    /// Its id.
    pub(crate) run: RunId,
    /// The name people see.
    pub(crate) name: String,
    /// The process that drives it.
    pub(crate) process: ProcessIdentity,
}

/// Keeps a run announced while it lives.
pub(crate) struct Announced(PathBuf);

impl Drop for Announced {
    fn drop(&mut self) {
        // A file that stays is recognised as stale by its process.
        drop(fs::remove_file(&self.0));
    }
}

/// Announces a run.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn announce(folder: &Path, live: &LiveRun) -> io::Result<Announced> {
    let folder = folder.join("live");
    fs::create_dir_all(&folder)?;
    let path = folder.join(format!("{}.json", live.run));
    let partial = path.with_extension("partial");
    fs::write(&partial, serde_json::to_vec(live)?)?;
    fs::rename(&partial, &path)?;
    Ok(Announced(path))
}

/// The runs under way; `alive` says whether a process still is the one that was meant.
pub(crate) fn list(folder: &Path, alive: impl Fn(&ProcessIdentity) -> bool) -> Vec<LiveRun> {
    let Ok(entries) = fs::read_dir(folder.join("live")) else { return Vec::new() };
    let mut runs = Vec::new();
    for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
        if path.extension().is_none_or(|ending| ending != "json") {
            continue;
        }
        let read = fs::read(&path).ok().and_then(|bytes| serde_json::from_slice::<LiveRun>(&bytes).ok());
        match read {
            Some(live) if alive(&live.process) => runs.push(live),
            Some(_) => drop(fs::remove_file(&path)),
            // Not ours, or being written by another version: leave it alone.
            None => {}
        }
    }
    runs.sort_by(|a, b| a.name.cmp(&b.name));
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_listed_while_its_process_lives() {
        let folder = tempfile::tempdir().unwrap();
        let process = ProcessIdentity { pid: 1, start_time: 2, boot_id: "b".into() };
        let live = LiveRun { run: RunId::new(), name: "a-123456".into(), process };
        let announced = announce(folder.path(), &live).unwrap();
        assert_eq!(list(folder.path(), |_| true).len(), 1);
        drop(announced);
        assert!(list(folder.path(), |_| true).is_empty());
    }

    #[test]
    fn the_file_of_a_dead_process_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let process = ProcessIdentity { pid: 1, start_time: 2, boot_id: "b".into() };
        let live = LiveRun { run: RunId::new(), name: "a-123456".into(), process };
        std::mem::forget(announce(folder.path(), &live).unwrap());
        assert!(list(folder.path(), |_| false).is_empty());
        assert!(fs::read_dir(folder.path().join("live")).unwrap().next().is_none());
    }
}

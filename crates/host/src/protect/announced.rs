//! Runs that announced themselves in the state directory, with or without a fault in place.

use std::{fs::File, io::Read, path::PathBuf};

use serde::Deserialize;
use steadfast_ledger::StateDir;
use steadfast_model::ProcessIdentity;

/// The largest file that is read: 64 KiB. An honest one has some 200 bytes.
const LARGEST_BYTES: u64 = 64 * 1024;

/// What matters here of `live/<run>.json`.
#[derive(Deserialize)]
struct Announced {
    process: ProcessIdentity,
}

/// The processes that drive a run, those of runs long over included. What cannot be read announces nothing.
pub(super) fn runs(dir: &StateDir) -> impl Iterator<Item = ProcessIdentity> {
    let entries = std::fs::read_dir(dir.path().join("live")).into_iter().flatten();
    let files = entries.filter_map(|entry| Some(entry.ok()?.path()));
    files.filter(|path| path.extension().is_some_and(|ending| ending == "json")).filter_map(read)
}

fn read(path: PathBuf) -> Option<ProcessIdentity> {
    // Not through a link and not from a pipe: neither is one of ours, and the second would make us wait.
    if !std::fs::symlink_metadata(&path).ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(LARGEST_BYTES).read_to_end(&mut bytes).ok()?;
    Some(serde_json::from_slice::<Announced>(&bytes).ok()?.process)
}

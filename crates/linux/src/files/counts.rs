//! What a cover counted, seen from outside: it answers for itself where it is.

use std::path::Path;

use rustix::{fs::getxattr, io::Errno};
use steadfast_model::ProcessIdentity;

use crate::{LinuxError, fuse::COUNTS, identify};

/// What a cover says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts {
    /// Its name in the mount table.
    pub source: String,
    /// Operations that its rule is for.
    pub seen: u64,
    /// Operations that were disturbed.
    pub hits: u64,
}

/// Asks what covers a directory, as a process sees it; `None` when nothing of ours does, or the process is gone. Waits for the
/// one who serves it: blocks this thread.
///
/// # Errors
/// [`LinuxError::Denied`] for other users than root, [`LinuxError::Call`] when its worker is dead.
pub fn counts(process: &ProcessIdentity, path: &Path) -> Result<Option<Counts>, LinuxError> {
    let below = path.strip_prefix("/").unwrap_or(path);
    let there = Path::new("/proc").join(process.pid.to_string()).join("root").join(below);
    let mut value = [0; 256];
    let found = getxattr(&there, COUNTS, &mut value[..]);
    // Asked last: what was found is what this very process sees.
    if identify(process.pid)?.as_ref() != Some(process) {
        return Ok(None);
    }
    match found {
        Ok(length) => Ok(parse(std::str::from_utf8(&value[..length]).unwrap_or_default())),
        Err(Errno::NODATA | Errno::OPNOTSUPP | Errno::NOENT | Errno::NOTDIR | Errno::SRCH) => Ok(None),
        Err(errno) => Err(LinuxError::call(format!("ask what covers {}", path.display()), errno)),
    }
}

fn parse(text: &str) -> Option<Counts> {
    let mut words = text.split(' ');
    let source = words.next()?.to_owned();
    Some(Counts { source, seen: words.next()?.parse().ok()?, hits: words.next()?.parse().ok()? })
}

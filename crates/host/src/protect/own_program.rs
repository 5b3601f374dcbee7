//! Other processes of this very program: proxies, runs and demos that no binding, ledger or announcement names.

use std::ffi::OsStr;

use steadfast_engine::host::HostError;
use steadfast_linux::{arguments, command_name, run_the_same_program};
use steadfast_model::ProcessIdentity;

use crate::error::from_linux;

/// The commands that stay, and whether a fault may go into them. The services of the demo are there to be disturbed.
const COMMANDS: [(&str, Option<&str>); 15] = [
    ("demo-service", None),
    ("proxy", Some("a fault proxy, which must take orders")),
    ("reaper", Some("a reaper, which undoes faults")),
    ("keeper", Some("the keeper of a program that a probe runs")),
    ("network-worker", Some("a worker, which holds a fault")),
    ("stress-worker", Some("a worker, which holds a fault")),
    ("file-worker", Some("a worker, which holds a fault")),
    ("load", Some("a load of Steadfast")),
    ("run", Some("a run of Steadfast")),
    ("demo", Some("a demo of Steadfast")),
    ("network-trial", Some("Steadfast while it tries out network namespaces")),
    ("demo-supervisor", Some("the supervisor of a demo")),
    ("fault", Some("Steadfast with a fault in hand")),
    ("recover", Some("Steadfast while it recovers")),
    ("stop", Some("Steadfast while it ends faults")),
];

/// Why a process must be spared that runs the same program as this one; `None` when it may be disturbed.
pub(super) fn at_work(pid: u32, own: &ProcessIdentity) -> Result<Option<String>, HostError> {
    if !is_ours(pid, own.pid)? {
        return Ok(None);
    }
    let words = arguments(pid).map_err(|error| from_linux(&error))?.unwrap_or_default();
    Ok(role(words.iter().skip(1).map(AsRef::as_ref)).map(str::to_owned))
}

/// The same file, or one of the same name: an update replaces the file and lets proxies run on, and a process with
/// capabilities does not show its file.
fn is_ours(pid: u32, own: u32) -> Result<bool, HostError> {
    if run_the_same_program(pid, own).map_err(|error| from_linux(&error))? == Some(true) {
        return Ok(true);
    }
    let name = |pid| command_name(pid).map_err(|error| from_linux(&error));
    let (theirs, ours) = (name(pid)?, name(own)?);
    Ok(theirs.is_some() && theirs == ours)
}

/// What the first word that is a command says. Words before it are options and their values.
fn role<'a>(mut words: impl Iterator<Item = &'a OsStr>) -> Option<&'static str> {
    let (_, why) = words.find_map(|word| COMMANDS.iter().find(|(command, _)| word == OsStr::new(command)))?;
    *why
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_command_among_the_arguments_decides() {
        let spared = |words: &[&str]| role(words.iter().map(OsStr::new)).is_some();
        for words in [
            &["proxy", "--listen", "127.0.0.1:1"][..],
            &["--state-dir", "/x", "reaper"],
            &["run", "experiment.yaml"],
            &["load", "http://127.0.0.1:1/"],
            &["demo"],
            &["demo-supervisor"],
            &["fault", "try", "processPause"],
            &["recover"],
            &["stop"],
            // Which it is cannot be told without knowing every option, so it is spared.
            &["--state-dir", "run", "demo-service"],
        ] {
            assert!(spared(words), "{words:?}");
        }
        for words in
            [&["demo-service", "proxy"][..], &["--state-dir", "/x", "demo-service", "run"], &["proxys"], &[]]
        {
            assert!(!spared(words), "{words:?}");
        }
    }
}

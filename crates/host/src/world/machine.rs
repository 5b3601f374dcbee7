//! This machine as a whole: how much room it has, and what workers do to it.

use std::path::Path;

use async_trait::async_trait;
use rustix::io::Errno;
use steadfast_faults::{FaultError, world::Machine};
use steadfast_linux::{LinuxError, boot_id, load, process_state, volume::Directory};
use steadfast_model::{
    InjectionId, ProcessIdentity,
    stress::{Room, Stress, StressStatus, StressWorker, Volume},
    target::ResolvedHost,
    undo::UndoVerb,
};

use super::LocalWorld;
use crate::error::linux_for_fault;

#[async_trait]
impl Machine for LocalWorld {
    async fn room(&self, host: &ResolvedHost) -> Result<Room, FaultError> {
        check(host)?;
        load::room().map_err(linux_for_fault)
    }

    async fn volume(&self, host: &ResolvedHost, path: &Path) -> Result<Volume, FaultError> {
        check(host)?;
        let volume = Directory::open(path).and_then(|found| found.volume()).map_err(directory_for_fault)?;
        let own = Directory::open_own(self.ledger.dir().path()).and_then(|found| found.device());
        let own = own.map_err(directory_for_fault)?;
        Ok(Volume { holds_state: own == volume.device, ..volume })
    }

    async fn status(&self, _: &ResolvedHost, injection: InjectionId) -> Result<StressStatus, FaultError> {
        let unread =
            |cause: String| FaultError::World { what: "read who works for the fault".to_owned(), cause };
        let account = self.ledger.find(injection).map_err(|error| unread(error.with_causes()))?;
        let records = account.map(|account| account.records).unwrap_or_default();
        let mut workers = Vec::new();
        for record in records {
            if let Some(UndoVerb::EndStress { worker, stress }) = record.known_verb() {
                workers.push(look_at(worker, stress).map_err(linux_for_fault)?);
            }
        }
        Ok(StressStatus { boot_id: boot_id().map_err(linux_for_fault)?, workers, volume: None })
    }
}

/// Refuses a machine that has booted again since it was found.
pub(crate) fn check(host: &ResolvedHost) -> Result<(), FaultError> {
    let is_it = boot_id().map_err(linux_for_fault)? == host.boot_id;
    let gone =
        || FaultError::TargetGone { what: format!("machine {} as it was before it booted", host.name) };
    if is_it { Ok(()) } else { Err(gone()) }
}

/// What is no directory, or is behind a link, is a mistake of the document.
pub(crate) fn directory_for_fault(error: LinuxError) -> FaultError {
    let errno = match &error {
        LinuxError::Call { source, .. } => source.raw_os_error().map(Errno::from_raw_os_error),
        _ => None,
    };
    let (why, hint) = match errno {
        Some(Errno::LOOP) => {
            ("a symbolic link is on the way there", "write the path it leads to: see `realpath`")
        }
        Some(Errno::NOENT) => ("there is no such directory", "see `findmnt` for what is mounted where"),
        Some(Errno::NOTDIR) => ("it is no directory", "write a directory on the file system"),
        _ => return linux_for_fault(error),
    };
    FaultError::Unsupported { what: format!("{error}: {why}"), hint: Some(hint.to_owned()) }
}

/// A worker that has ended, or is of an earlier boot, has no counts.
fn look_at(identity: ProcessIdentity, stress: Stress) -> Result<StressWorker, LinuxError> {
    let state = process_state(&identity)?;
    let seen = load::usage(&identity)?;
    Ok(StressWorker {
        age_nanos: seen.as_ref().map_or(0, |usage| usage.age_nanos),
        ran_nanos: seen.as_ref().map_or(0, |usage| usage.ran_nanos),
        waited_nanos: seen.as_ref().map_or(0, |usage| usage.waited_nanos),
        held_bytes: seen.as_ref().map_or(0, |usage| match stress {
            Stress::Fill { .. } => usage.file_bytes,
            _ => usage.held_bytes,
        }),
        read_bytes: seen.as_ref().map_or(0, |usage| usage.read_bytes),
        written_bytes: seen.as_ref().map_or(0, |usage| usage.written_bytes),
        swapped_bytes: seen.as_ref().map_or(0, |usage| usage.swapped_bytes),
        usable_cpus: seen.as_ref().map_or(0, |usage| usage.usable_cpus),
        cpu_limit: seen.and_then(|usage| usage.cpu_limit),
        identity,
        stress,
        state,
    })
}

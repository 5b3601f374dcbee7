//! Carrying out one step back. Doing it twice, or for a change that never happened, succeeds.

use std::time::Duration;

use steadfast_linux::{
    LinuxError, ProcessHandle, boot_id,
    cpu_group::change_quota,
    files::uncover,
    network::{Namespace, remove_qdiscs},
    process_state, skew,
};
use steadfast_model::{
    ProcessIdentity,
    files::Cover,
    network::NamespaceIdentity,
    process::{ProcessState, Signal},
    proxy::{ProxyRequest, RuleId},
    skew::ClockPatch,
    undo::{HeldQdisc, UndoVerb},
};

use crate::{Timing, control};

/// How long a worker that is asked to end may take before it is killed.
const WORKER_PATIENCE: Duration = Duration::from_millis(500);

/// How long one may take to give everybody their files back: processes that wait for a disk do not stand still.
const COVER_PATIENCE: Duration = Duration::from_secs(4);

/// How long a worker that is killed may take to give back its memory: many gigabytes take seconds. The lease is longer.
const MEMORY_PATIENCE: Duration = Duration::from_secs(5);

/// Why a step back failed. Messages are fragments after "failed to".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct UndoError {
    /// What and why.
    pub message: String,
}

/// Carries out one step back.
///
/// What is gone, or now is something else under the same number, needs nothing: that includes everything of an
/// earlier boot.
///
/// # Errors
/// [`UndoError`] when the change is, or may be, still in place.
pub async fn carry_out(verb: &UndoVerb, timing: &Timing) -> Result<(), UndoError> {
    match verb {
        UndoVerb::ResumeProcess { process } => resume(process).await,
        UndoVerb::RemoveRule { control, proxy, rule } => remove(control, proxy, *rule, timing).await,
        UndoVerb::EndWorker { worker, namespace, qdisc, .. } => {
            end(worker, WORKER_PATIENCE).await?;
            match qdisc {
                Some(HeldQdisc { path, major }) => unqueue(namespace, path, *major).await,
                None => Ok(()),
            }
        }
        UndoVerb::EndStress { worker, .. } => kill(worker).await,
        UndoVerb::UncoverFiles { worker, cover } => {
            // Asked, it takes its cover away itself, and best. One that is stopped hears nothing.
            match process_state(worker).map_err(|error| failed(&error))? {
                ProcessState::Stopped => kill(worker).await?,
                _ => end(worker, COVER_PATIENCE).await?,
            }
            take_away(cover).await
        }
        UndoVerb::RestoreCpuQuota { cgroup, ours_micros, was_micros } => {
            // One that is gone has no limit, and what somebody else has set since stands.
            change_quota(cgroup, Some(*ours_micros), *was_micros).map(drop).map_err(|error| failed(&error))
        }
        UndoVerb::RestoreClocks { process, patch } => restore_clocks(process, patch).await,
        UndoVerb::Irreversible { .. } => Ok(()),
    }
}

/// Whether it is worth to wait for a failed step: a proxy drops a rule by itself when its lease ends, at the latest
/// when it runs again.
pub(crate) fn may_heal(verb: &UndoVerb) -> bool {
    matches!(verb, UndoVerb::RemoveRule { .. })
}

async fn resume(process: &ProcessIdentity) -> Result<(), UndoError> {
    let Some(handle) = ProcessHandle::open(process).map_err(|error| failed(&error))? else { return Ok(()) };
    handle.signal(Signal::Cont).map_err(|error| failed(&error))?;
    for _ in 0..100 {
        if process_state(process).map_err(|error| failed(&error))? != ProcessState::Stopped {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Err(UndoError { message: format!("resume process {process}: it is still stopped") })
}

/// Asks, so that packets it holds are let go; kills one that hangs. The kernel drops what it held.
async fn end(worker: &ProcessIdentity, patience: Duration) -> Result<(), UndoError> {
    let Some(handle) = ProcessHandle::open(worker).map_err(|error| failed(&error))? else { return Ok(()) };
    let ended = tokio::task::spawn_blocking(move || handle.terminate(patience)).await;
    match ended.map_err(|error| UndoError { message: error.to_string() })? {
        Ok(true) => Ok(()),
        Ok(false) => Err(UndoError { message: format!("end worker {worker}: it is still there after KILL") }),
        Err(error) => Err(failed(&error)),
    }
}

/// Deletes what a worker that was killed could not. A namespace that nothing leads to is gone, and all in it.
async fn unqueue(namespace: &NamespaceIdentity, path: &std::path::Path, major: u16) -> Result<(), UndoError> {
    let (namespace, path) = (namespace.clone(), path.to_owned());
    let removed = tokio::task::spawn_blocking(move || match Namespace::find(&namespace, &path)? {
        Some(found) => remove_qdiscs(&found, major),
        None => Ok(()),
    });
    let removed = removed.await.map_err(|error| UndoError { message: error.to_string() })?;
    removed.map_err(|error| failed(&error))
}

/// What a worker that was killed could not.
async fn take_away(cover: &Cover) -> Result<(), UndoError> {
    let cover = cover.clone();
    let taken = tokio::task::spawn_blocking(move || uncover(&cover)).await;
    taken.map_err(|error| UndoError { message: error.to_string() })?.map_err(|error| failed(&error))
}

/// Kills: there is nothing to be let go in good order, and its machine may be busy.
async fn kill(worker: &ProcessIdentity) -> Result<(), UndoError> {
    let Some(handle) = ProcessHandle::open(worker).map_err(|error| failed(&error))? else { return Ok(()) };
    let ended = tokio::task::spawn_blocking(move || match handle.signal(Signal::Kill)? {
        true => handle.ends_within(MEMORY_PATIENCE),
        false => Ok(true),
    });
    match ended.await.map_err(|error| UndoError { message: error.to_string() })? {
        Ok(true) => Ok(()),
        Ok(false) => Err(UndoError { message: format!("end worker {worker}: it is still there after KILL") }),
        Err(error) => Err(failed(&error)),
    }
}

/// What was changed in an earlier boot is gone with all processes of it.
async fn restore_clocks(process: &ProcessIdentity, patch: &ClockPatch) -> Result<(), UndoError> {
    if process.boot_id != boot_id().map_err(|error| failed(&error))? {
        return Ok(());
    }
    let (process, patch) = (process.clone(), patch.clone());
    let restored = tokio::task::spawn_blocking(move || skew::take_back(&process, &patch)).await;
    restored.map_err(|error| UndoError { message: error.to_string() })?.map_err(|error| failed(&error))
}

async fn remove(
    control: &std::path::Path,
    proxy: &ProcessIdentity,
    rule: RuleId,
    timing: &Timing,
) -> Result<(), UndoError> {
    let Some(handle) = ProcessHandle::open(proxy).map_err(|error| failed(&error))? else { return Ok(()) };
    let request = ProxyRequest::Remove { id: rule };
    match control::ask(control, Some(proxy), &request, timing.proxy_answer).await {
        Ok(status) if status.rules.iter().any(|found| found.id == rule) => {
            Err(UndoError { message: format!("take a rule out of proxy process {proxy}: it is still there") })
        }
        Ok(_) => Ok(()),
        // The rule went with the process.
        Err(_) if handle.has_ended().map_err(|error| failed(&error))? => Ok(()),
        Err(error) => Err(UndoError { message: error.to_string() }),
    }
}

fn failed(error: &LinuxError) -> UndoError {
    UndoError { message: error.with_causes() }
}

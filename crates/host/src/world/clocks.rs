//! The clocks of processes, as far as these read them without the kernel.

use steadfast_faults::FaultError;
use steadfast_linux::{
    LinuxError, skew,
    trace::{Obstacle, obstacle},
};
use steadfast_model::{
    InjectionId, ProcessIdentity,
    skew::{ClockPatch, ClockStatus, Skew},
};

use crate::error::linux_for_fault;

/// Whether a process can be told another time.
pub(crate) fn may_skew(process: &ProcessIdentity, wanted: &Skew) -> Result<(), FaultError> {
    if let Some(found) = obstacle(process).map_err(linux_for_fault)?.ok_or_else(|| gone(process))? {
        let what = format!("tell process {process} another time: {found}");
        let hint = match found {
            Obstacle::Denied => {
                let hint = "run as the user the process belongs to, with its capabilities, or as root";
                return Err(FaultError::Denied { what, hint: hint.to_owned() });
            }
            Obstacle::Traced { .. } => "detach the debugger first",
            Obstacle::NotHere | Obstacle::OtherArchitecture => {
                "take a target that runs a program of this machine's own kind"
            }
            Obstacle::Filtered => {
                "start the target without a seccomp filter: `seccomp=unconfined` in a container"
            }
        };
        return Err(FaultError::Unsupported { what, hint: Some(hint.to_owned()) });
    }
    // What would be done is found out anew when it is.
    plan(process, wanted, InjectionId::new()).map(drop)
}

/// What to change in a process to tell it another time.
pub(crate) fn plan(
    process: &ProcessIdentity,
    wanted: &Skew,
    injection: InjectionId,
) -> Result<ClockPatch, FaultError> {
    skew::plan(process, wanted, injection).map_err(for_fault)?.ok_or_else(|| gone(process))
}

pub(crate) fn status(process: &ProcessIdentity, injection: InjectionId) -> Result<ClockStatus, FaultError> {
    skew::status(process, injection).map_err(for_fault)?.ok_or_else(|| gone(process))
}

/// Puts it in place.
pub(crate) async fn put_in_place(
    process: &ProcessIdentity,
    patch: ClockPatch,
    wanted: &Skew,
) -> Result<(), FaultError> {
    let (target, wanted) = (process.clone(), wanted.clone());
    let put = tokio::task::spawn_blocking(move || skew::put_in_place(&target, &patch, &wanted));
    let failed = |error: tokio::task::JoinError| FaultError::World {
        what: format!("tell process {process} another time"),
        cause: error.to_string(),
    };
    let stopped = put.await.map_err(failed)?.map_err(for_fault)?;
    stopped.map(drop).ok_or_else(|| gone(process))
}

fn gone(process: &ProcessIdentity) -> FaultError {
    FaultError::TargetGone { what: format!("process {process}") }
}

fn for_fault(error: LinuxError) -> FaultError {
    match error {
        LinuxError::Missing { what } => FaultError::Unsupported {
            what,
            hint: Some(
                "this works for programs that read their clocks in the vDSO: see `grep vdso /proc/PID/maps`"
                    .to_owned(),
            ),
        },
        LinuxError::Call { what, source } if source.kind() == std::io::ErrorKind::Other => {
            FaultError::Unsupported {
                what: format!("{what}: {source}"),
                hint: Some("see `steadfast fault show timeSkew`, under Limits".to_owned()),
            }
        }
        other => linux_for_fault(other),
    }
}

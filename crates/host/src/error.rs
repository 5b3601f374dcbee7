//! What went wrong below, in the words of [`steadfast_engine::host`].

use steadfast_engine::host::{HostError, HostErrorKind};
use steadfast_faults::FaultError;
use steadfast_ledger::LedgerError;
use steadfast_linux::LinuxError;

pub(crate) fn host_error(kind: HostErrorKind, message: impl Into<String>, hint: Option<&str>) -> HostError {
    HostError { kind, message: message.into(), hint: hint.map(str::to_owned) }
}

pub(crate) fn from_fault(error: &FaultError) -> HostError {
    let kind = match error {
        FaultError::Unsupported { .. } => HostErrorKind::Unsupported,
        FaultError::TargetGone { .. } => HostErrorKind::TargetGone,
        FaultError::Denied { .. } => HostErrorKind::Denied,
        FaultError::NotRecorded { .. } => HostErrorKind::NotRecorded,
        FaultError::World { .. } => HostErrorKind::Other,
    };
    host_error(kind, error.to_string(), error.hint())
}

pub(crate) fn from_ledger(error: &LedgerError) -> HostError {
    let (kind, message) = match error {
        LedgerError::Conflict { .. } => (HostErrorKind::Conflict, error.to_string()),
        LedgerError::NotLive { .. } => (HostErrorKind::NotLive, error.to_string()),
        other => (HostErrorKind::NotRecorded, format!("write the undo record: {}", other.with_causes())),
    };
    HostError { kind, message, hint: error.hint() }
}

pub(crate) fn from_linux(error: &LinuxError) -> HostError {
    let kind = match error {
        LinuxError::Denied { .. } => HostErrorKind::Denied,
        LinuxError::Missing { .. } => HostErrorKind::Unsupported,
        _ => HostErrorKind::Other,
    };
    host_error(kind, error.with_causes(), None)
}

/// As a fault sees it.
pub(crate) fn linux_for_fault(error: LinuxError) -> FaultError {
    match error {
        LinuxError::Denied { what } => {
            FaultError::Denied { what, hint: "run as the user the process belongs to, or as root".to_owned() }
        }
        LinuxError::Missing { what } => FaultError::Unsupported {
            what: format!("{what}: this kernel does not offer it"),
            hint: Some("Linux 5.3 or later is needed; some sandboxes lack pidfd".to_owned()),
        },
        other => FaultError::World { what: other.to_string(), cause: cause_of(&other) },
    }
}

fn cause_of(error: &LinuxError) -> String {
    std::error::Error::source(error).map_or_else(|| "no reason given".to_owned(), ToString::to_string)
}

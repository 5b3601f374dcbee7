//! Why the ledger could not be used.

use std::{io, path::PathBuf};

use steadfast_model::{BootTime, InjectionId};

/// What went wrong. Messages are fragments after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// There is no place to keep state.
    #[error("find a place for state: {why}")]
    NoPlace {
        /// Why.
        why: String,
    },
    /// A directory or file cannot be trusted or would not last.
    #[error("use {}: {why}", path.display())]
    Unfit {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
        /// What to try.
        hint: String,
    },
    /// Reading or writing failed.
    #[error("{what} {}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A live injection holds the same thing.
    #[error("take {key}: injection {holder} ({fault}) holds it")]
    Conflict {
        /// What both want.
        key: String,
        /// The injection that has it.
        holder: InjectionId,
        /// What that injection does, for people.
        fault: String,
        /// When it ends at the latest.
        deadline: BootTime,
        /// Whether it was given up, so that it holds on until a person acts.
        abandoned: bool,
    },
    /// The injection is not live any more.
    #[error("find injection {injection} among the live ones")]
    NotLive {
        /// Which.
        injection: InjectionId,
    },
    /// A file has no line that can be understood, so nothing can be added to it.
    #[error("understand {}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
    },
}

impl LedgerError {
    pub(crate) fn io(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { what, path, source }
    }

    /// What to try, if anything is known.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoPlace { .. } => Some("set HOME, or name a directory with --state-dir".to_owned()),
            Self::Unfit { hint, .. } => Some(hint.clone()),
            Self::Io { path, source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    Some(format!("make room on the disk that holds {}", path.display()))
                }
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    Some("name a directory of your own with --state-dir".to_owned())
                }
                _ => None,
            },
            Self::Conflict { abandoned: true, .. } => {
                Some("its undo failed: see `steadfast status`, then `steadfast recover`".to_owned())
            }
            Self::Conflict { .. } => {
                Some("wait until it is over, or see `steadfast status` and `steadfast stop`".to_owned())
            }
            Self::NotLive { .. } | Self::Unreadable { .. } => None,
        }
    }

    /// The message with its causes, in one line.
    #[must_use]
    pub fn with_causes(&self) -> String {
        match std::error::Error::source(self) {
            Some(cause) => format!("{self}: {cause}"),
            None => self.to_string(),
        }
    }
}

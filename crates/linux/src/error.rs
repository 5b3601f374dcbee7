//! Why the kernel did not do what it was asked.

use std::{io, path::PathBuf};

/// What went wrong. Messages are fragments after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum LinuxError {
    /// This user may not.
    #[error("{what}: permission denied")]
    Denied {
        /// What was tried.
        what: String,
    },
    /// This kernel or sandbox does not offer it.
    #[error("{what}: this kernel does not offer it")]
    Missing {
        /// What was tried.
        what: String,
    },
    /// What was meant is not there any more.
    #[error("{what}: it is gone")]
    Gone {
        /// What was tried.
        what: String,
    },
    /// A file of the kernel could not be read or made no sense.
    #[error("read {}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A call failed.
    #[error("{what}")]
    Call {
        /// What was tried.
        what: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl LinuxError {
    /// Sorts what a call answered.
    pub(crate) fn call(what: impl Into<String>, errno: rustix::io::Errno) -> Self {
        let what = what.into();
        match errno {
            rustix::io::Errno::PERM | rustix::io::Errno::ACCESS => Self::Denied { what },
            rustix::io::Errno::NOSYS => Self::Missing { what },
            other => Self::Call { what, source: other.into() },
        }
    }

    /// Sorts what a program that could not be started answered.
    pub(crate) fn start(what: impl Into<String>, source: io::Error) -> Self {
        Self::Call { what: what.into(), source }
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

//! Why something could not be kept or found.

use std::path::PathBuf;

use steadfast_model::RunId;

/// Why something could not be kept or found. Messages are fragments after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be opened.
    #[error("open the history {}: {cause}", path.display())]
    Open {
        /// Which file.
        path: PathBuf,
        /// Why.
        cause: String,
    },
    /// Another process holds the database for too long.
    #[error("use the history: another process holds it")]
    Locked,
    /// The file is not a database, or a damaged one.
    #[error("read the history: it is damaged ({cause})")]
    Corrupt {
        /// What the database said.
        cause: String,
    },
    /// There is no room left.
    #[error("write the history: no space left on the device")]
    Full,
    /// The database was made by a newer Steadfast.
    #[error("open the history: a newer Steadfast has changed its tables ({cause})")]
    Newer {
        /// What the database said.
        cause: String,
    },
    /// There is no such run.
    #[error("find a run called `{name}`")]
    NoSuchRun {
        /// What was asked for.
        name: String,
    },
    /// Several runs match.
    #[error("find one run called `{name}`: {count} match")]
    Ambiguous {
        /// What was asked for.
        name: String,
        /// How many match.
        count: usize,
    },
    /// Another writer has taken over the run, or an event was lost.
    #[error("append to run {run}: expected event {expected}, the history has {found}")]
    OutOfStep {
        /// Which run.
        run: RunId,
        /// What the writer expected to write.
        expected: u64,
        /// What comes next in the history.
        found: u64,
    },
    /// Another run has the id or the name of one to be kept.
    #[error("keep the run {name}: the history has another of this name, or this one with other events")]
    Differs {
        /// The name.
        name: String,
    },
    /// A stored value cannot be read.
    #[error("read {what}: {cause}")]
    Malformed {
        /// Which value.
        what: String,
        /// Why.
        cause: String,
    },
    /// Anything else the database says.
    #[error("use the history: {0}")]
    Other(String),
}

impl StoreError {
    /// What to try, if anything is known.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Open { .. } => {
                Some("check that the folder exists and belongs to you, or choose another with --state-dir")
            }
            Self::Locked => {
                Some("end the other steadfast process, or choose another history with --state-dir")
            }
            Self::Corrupt { .. } => {
                Some("move the file aside to start a new history; nothing in it is needed to undo a fault")
            }
            Self::Full => Some("make room, then try again"),
            Self::Newer { .. } => Some("use the newer program, or choose another history with --state-dir"),
            Self::NoSuchRun { .. } => Some("`steadfast runs list` shows the names"),
            Self::Ambiguous { .. } => Some("write more of the name"),
            Self::Differs { .. } => Some("import it into a history of its own, with --state-dir"),
            Self::OutOfStep { .. } | Self::Malformed { .. } | Self::Other(_) => None,
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let Some(database) = error.as_database_error() else {
            return match error {
                sqlx::Error::PoolTimedOut => Self::Locked,
                other => Self::Other(other.to_string()),
            };
        };
        // SQLite's extended result codes carry the primary code in their low byte.
        let primary = database.code().and_then(|code| code.parse::<u32>().ok()).map(|code| code & 0xff);
        match primary {
            Some(5 | 6) => Self::Locked,
            Some(11 | 26) => Self::Corrupt { cause: database.message().to_owned() },
            Some(13) => Self::Full,
            _ => Self::Other(database.message().to_owned()),
        }
    }
}

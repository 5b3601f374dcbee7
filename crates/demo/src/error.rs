//! What can go wrong around the sample system. Messages are fragments after "failed to".

use std::path::{Path, PathBuf};

/// Why the sample system could not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// A name nobody knows: a service or a switch.
    #[error("find the {what} {name:?}")]
    Unknown {
        /// What was looked for, for example `service`.
        what: &'static str,
        /// The name as given.
        name: String,
        /// The nearest known name and the list of all.
        hint: String,
    },
    /// A port is used by another program.
    #[error("listen on 127.0.0.1:{port}: another program is listening there")]
    PortTaken {
        /// The port.
        port: u16,
    },
    /// A process ended or stayed silent instead of becoming ready.
    #[error("start {name}: {reason}")]
    NotReady {
        /// The service or proxy.
        name: String,
        /// What was seen, with the end of its log.
        reason: String,
    },
    /// A supervisor already works in this state directory.
    #[error("start the sample system: it is already running in {}", state_dir.display())]
    AlreadyRunning {
        /// The directory both would use.
        state_dir: PathBuf,
    },
    /// Nothing runs in this state directory.
    #[error("reach the sample system: nothing is running in {}", state_dir.display())]
    NotRunning {
        /// The directory.
        state_dir: PathBuf,
    },
    /// Payments were still on their way when waiting ended.
    #[error("drain the sample system: {waiting} payments are still on their way to the ledger")]
    NotDrained {
        /// How many.
        waiting: u64,
    },
    /// A service answered something else than expected, or nothing.
    #[error("{doing}: {reason}")]
    Call {
        /// What was asked.
        doing: String,
        /// What came back.
        reason: String,
    },
    /// A setting that cannot work.
    #[error("{doing}: {reason}")]
    Setting {
        /// What it is for.
        doing: String,
        /// Why it cannot work.
        reason: String,
    },
    /// The file system refused.
    #[error("{doing}")]
    Io {
        /// What was tried, with the path.
        doing: String,
        /// The cause.
        source: std::io::Error,
    },
    /// A file is not what it should be.
    #[error("read {}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: serde_json::Error,
    },
    /// SQLite refused.
    #[error("{doing}")]
    Database {
        /// What was tried, with the path.
        doing: String,
        /// The cause.
        source: sqlx::Error,
    },
}

impl DemoError {
    /// What to try, where something can be tried.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown { hint, .. } => Some(hint.clone()),
            Self::PortTaken { .. } => {
                Some("stop that program or leave the port out: a free one is found".into())
            }
            Self::NotReady { .. } => Some("its log is in the folder `logs` of the state directory".into()),
            Self::AlreadyRunning { .. } => Some("use it, or stop it first with `steadfast demo down`".into()),
            Self::NotRunning { .. } => Some("start it with `steadfast demo up`".into()),
            Self::NotDrained { .. } => Some("wait until ledger and wallet answer again, then repeat".into()),
            _ => None,
        }
    }

    pub(crate) fn io(doing: &str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let doing = format!("{doing} {}", path.display());
        move |source| Self::Io { doing, source }
    }

    pub(crate) fn database(doing: &str, path: &Path) -> impl FnOnce(sqlx::Error) -> Self {
        let doing = format!("{doing} {}", path.display());
        move |source| Self::Database { doing, source }
    }
}

/// The hint for an unknown name: the nearest, then all.
pub(crate) fn nearest(name: &str, known: &[&str]) -> String {
    let best = known
        .iter()
        .map(|k| (strsim::damerau_levenshtein(name, k), *k))
        .min()
        .filter(|(distance, k)| *distance <= k.len() / 2);
    let list = known.join(", ");
    match best {
        Some((_, near)) => format!("did you mean {near:?}? Known: {list}"),
        None => format!("known: {list}"),
    }
}

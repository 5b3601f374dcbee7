//! What a reaper did.

use std::{fmt, path::PathBuf};

use steadfast_model::InjectionId;

/// One occurrence in a reaper's life, in the past tense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReaperEvent {
    /// It sits and looks after its state directory.
    ReaperStarted {
        /// Its number.
        pid: u32,
    },
    /// An injector overstayed and was ended.
    InjectorKilled {
        /// What it injected.
        injection: InjectionId,
        /// Its number.
        pid: u32,
        /// What it overstayed.
        why: String,
    },
    /// An injection was undone.
    InjectionReverted {
        /// Which.
        injection: InjectionId,
    },
    /// An injection could not be undone and was given up.
    InjectionAbandoned {
        /// Which.
        injection: InjectionId,
        /// What failed.
        problems: Vec<String>,
        /// What a person could type.
        manual: Vec<String>,
    },
    /// Taking over failed and is tried again.
    TakeoverFailed {
        /// Which injection.
        injection: InjectionId,
        /// What failed.
        problem: String,
    },
    /// Something in the ledger cannot be read or trusted.
    ForeignFileFound {
        /// Which file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// It left, as nothing was live for a while.
    ReaperEnded,
}

impl fmt::Display for ReaperEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReaperStarted { pid } => write!(f, "reaper {pid} started"),
            Self::InjectorKilled { injection, pid, why } => {
                write!(f, "injection {injection}: killed injector {pid}, as {why}")
            }
            Self::InjectionReverted { injection } => write!(f, "injection {injection}: reverted"),
            Self::InjectionAbandoned { injection, problems, manual } => {
                write!(f, "injection {injection}: ABANDONED: failed to {}", problems.join("; "))?;
                manual.iter().try_for_each(|command| write!(f, "\n  type: {command}"))
            }
            Self::TakeoverFailed { injection, problem } => {
                write!(f, "injection {injection}: failed to {problem}; trying again")
            }
            Self::ForeignFileFound { path, why } => write!(f, "{}: NOT UNDERSTOOD: {why}", path.display()),
            Self::ReaperEnded => f.write_str("nothing left to look after"),
        }
    }
}

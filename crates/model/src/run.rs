//! What a list shows of runs, wherever it is shown.

use serde::{Deserialize, Serialize};

use crate::{Outcome, RunId, Verdict, WallTime};

/// Which runs to list.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunFilter {
    /// Only runs of this experiment.
    pub experiment: Option<String>,
    /// Only runs with this verdict.
    pub verdict: Option<Verdict>,
    /// At most this many; all when absent.
    pub limit: Option<u32>,
}

/// A run in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunSummary {
    /// Its id.
    pub id: RunId,
    /// The name people see.
    pub name: String,
    /// The experiment's name.
    pub experiment: String,
    /// The experiment's title, or its name.
    pub title: String,
    /// Digest of the experiment document.
    pub digest: String,
    /// When it began.
    pub started_at: WallTime,
    /// When it was concluded; `None` while it runs, and for a run whose writer died.
    pub ended_at: Option<WallTime>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// What it showed.
    pub verdict: Option<Verdict>,
    /// Why, in one sentence.
    pub reason: Option<String>,
}

/// A document a run was made from, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceDocument {
    /// `experiment`, `slo` or `binding`.
    pub role: String,
    /// The file it was read from.
    pub file: String,
    /// Its bytes.
    pub content: Vec<u8>,
}

//! What a list shows of runs, wherever it is shown.

use std::collections::BTreeMap;

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
    /// Only runs that ended like this.
    #[serde(default)]
    pub outcome: Option<Outcome>,
    /// Only runs that verify this claim.
    #[serde(default)]
    pub claim: Option<String>,
    /// Only runs whose experiment has this label with this value.
    #[serde(default)]
    pub label: Option<(String, String)>,
    /// Only runs that began at this moment or later.
    #[serde(default)]
    pub since: Option<WallTime>,
    /// Only runs that were made here, none that were imported.
    #[serde(default)]
    pub made_here: bool,
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
    /// The claim it verifies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<String>,
    /// The experiment's labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
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

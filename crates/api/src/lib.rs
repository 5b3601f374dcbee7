//! What a client may ask of Steadfast, and what it gets.
//!
//! [`Api`] has a local form (the service code in the same process, behind the command line) and, later, one over HTTP.
//! It never decides anything and knows neither the database nor the engine.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use steadfast_model::{
    Event,
    run::{RunFilter, RunSummary, SourceDocument},
};

/// Everything a client may ask about what was kept.
#[async_trait]
pub trait Api: Send + Sync {
    /// Runs, newest first.
    ///
    /// # Errors
    /// When the history cannot be read.
    async fn list_runs(&self, filter: &RunFilter) -> Result<Vec<RunSummary>, ApiError>;

    /// One run with its events and documents, by id, name, or a unique beginning or end of its name.
    ///
    /// # Errors
    /// [`ApiErrorKind::NotFound`] when none or several match.
    async fn show_run(&self, name: &str) -> Result<RunRecord, ApiError>;

    /// Computes a run's verdict again from its events.
    ///
    /// # Errors
    /// [`ApiErrorKind::NotFound`] when none or several match.
    async fn replay_run(&self, name: &str) -> Result<ReplayReport, ApiError>;

    /// Keeps a run of another history as it is. `false` when it is kept already.
    ///
    /// # Errors
    /// [`ApiErrorKind::Conflict`] when another run of this id or name is kept, or this one with other events.
    async fn import_run(&self, record: &RunRecord) -> Result<bool, ApiError>;
}

/// A run with everything that was kept of it.
#[derive(Debug, Clone)]
pub struct RunRecord {
    /// What lists show.
    pub summary: RunSummary,
    /// Everything that happened, in order.
    pub events: Vec<Event>,
    /// What it was made from.
    pub documents: Vec<SourceDocument>,
}

/// What came of computing a verdict again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplayReport {
    /// The run.
    pub run: RunSummary,
    /// What came of it.
    pub result: ReplayResult,
}

/// Whether a replay agrees: a map with one key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ReplayResult {
    /// The same conclusion, to the last digit.
    Agrees {},
    /// Another conclusion; each entry says one thing that differs.
    Disagrees {
        /// What differs.
        differences: Vec<String>,
    },
    /// The run was never concluded, so there is nothing to agree with.
    Unfinished {},
    /// The run was concluded by another version of the analysis.
    OtherVersion {
        /// The version that concluded it.
        concluded_by: String,
    },
}

/// Why a question has no answer. The message is a fragment after "failed to".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{message}")]
#[serde(rename_all = "camelCase")]
pub struct ApiError {
    /// What kind of trouble.
    pub kind: ApiErrorKind,
    /// What and why.
    pub message: String,
    /// What to try.
    pub hint: Option<String>,
}

/// Kinds of trouble that clients tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ApiErrorKind {
    /// There is no such thing, or several.
    NotFound,
    /// It does not go with what is kept.
    Conflict,
    /// What is kept cannot be read.
    Unavailable,
}

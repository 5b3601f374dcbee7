//! The [`Api`] of this machine: the history in the state directory.

use async_trait::async_trait;
use steadfast_api::{Api, ApiError, ApiErrorKind, ReplayReport, ReplayResult, RunRecord};
use steadfast_engine::replay::{Replay, replay};
use steadfast_model::{
    Event,
    event::Known,
    run::{RunFilter, RunSummary},
};
use steadfast_store::{NewRun, Runs, Sqlite, StoreError};

/// Answers from a history in this process.
pub(crate) struct LocalApi {
    store: Sqlite,
}

impl LocalApi {
    /// Over an open history.
    pub(crate) fn new(store: Sqlite) -> Self {
        Self { store }
    }
}

#[async_trait]
impl Api for LocalApi {
    async fn list_runs(&self, filter: &RunFilter) -> Result<Vec<RunSummary>, ApiError> {
        self.store.list(filter).await.map_err(as_api)
    }

    async fn show_run(&self, name: &str) -> Result<RunRecord, ApiError> {
        let summary = self.store.find(name).await.map_err(as_api)?;
        let events = self.store.events(summary.id).await.map_err(as_api)?;
        let documents = self.store.documents(summary.id).await.map_err(as_api)?;
        Ok(RunRecord { summary, events, documents })
    }

    async fn replay_run(&self, name: &str) -> Result<ReplayReport, ApiError> {
        let run = self.store.find(name).await.map_err(as_api)?;
        let events = self.store.events(run.id).await.map_err(as_api)?;
        Ok(ReplayReport { result: compare(&run, &events), run })
    }

    async fn import_run(&self, record: &RunRecord) -> Result<bool, ApiError> {
        let RunSummary { id, name, experiment, title, digest, claim, labels, started_at, .. } =
            record.summary.clone();
        let documents = record.documents.clone();
        let run = NewRun { id, name, experiment, title, digest, claim, labels, started_at, documents };
        self.store.import(&run, &record.events).await.map_err(as_api)
    }
}

/// Replays the events and compares with the stored conclusion, and that with what lists show.
pub(crate) fn compare(run: &RunSummary, events: &[Event]) -> ReplayResult {
    let concluded = events.iter().rev().find_map(|event| match event.body.known() {
        Some(Known::Concluded(conclusion)) => Some(conclusion),
        _ => None,
    });
    let Some(concluded) = concluded else {
        return if run.verdict.is_none() {
            ReplayResult::Unfinished {}
        } else {
            ReplayResult::Disagrees {
                differences: vec!["the list shows a verdict, but no event concludes the run".into()],
            }
        };
    };
    if concluded.analysis != steadfast_analysis::VERSION {
        return ReplayResult::OtherVersion { concluded_by: concluded.analysis.clone() };
    }
    let Replay { mut differences, .. } = replay(events);
    if run.verdict != Some(concluded.verdict) || run.outcome != Some(concluded.outcome) {
        differences.push("the list shows another verdict or outcome than the events".into());
    }
    if differences.is_empty() { ReplayResult::Agrees {} } else { ReplayResult::Disagrees { differences } }
}

fn as_api(error: StoreError) -> ApiError {
    let kind = match error {
        StoreError::NoSuchRun { .. } | StoreError::Ambiguous { .. } => ApiErrorKind::NotFound,
        StoreError::Differs { .. } => ApiErrorKind::Conflict,
        _ => ApiErrorKind::Unavailable,
    };
    ApiError { kind, hint: error.hint().map(str::to_owned), message: error.to_string() }
}

//! Runs, as any database keeps them.

use std::collections::BTreeMap;

use async_trait::async_trait;
use steadfast_model::{
    Event, RunId, WallTime,
    run::{RunFilter, RunSummary, SourceDocument},
};

use crate::StoreError;

/// Keeps runs. A run has one writer: the holder of its [`Fence`].
#[async_trait]
pub trait Runs: Send + Sync {
    /// Makes a run and becomes its writer.
    ///
    /// # Errors
    /// When it cannot be written durably.
    async fn begin(&self, run: &NewRun) -> Result<Fence, StoreError>;

    /// Adds events; durable when this returns. A conclusion among them ends the run.
    ///
    /// # Errors
    /// [`StoreError::OutOfStep`] when the first event is not the next one or the fence is not the run's.
    async fn append(&self, run: RunId, fence: Fence, events: &[Event]) -> Result<(), StoreError>;

    /// Keeps a run of another history, with all its events: all or nothing. `false` when this very run is kept already.
    ///
    /// # Errors
    /// [`StoreError::Differs`] when another run of this id or name is kept, or this one with other events.
    async fn import(&self, run: &NewRun, events: &[Event]) -> Result<bool, StoreError>;

    /// Runs, newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    async fn list(&self, filter: &RunFilter) -> Result<Vec<RunSummary>, StoreError>;

    /// One run by id, name, or the unique beginning or end of its name.
    ///
    /// # Errors
    /// [`StoreError::NoSuchRun`] or [`StoreError::Ambiguous`].
    async fn find(&self, name: &str) -> Result<RunSummary, StoreError>;

    /// All events of a run, in order.
    ///
    /// # Errors
    /// When the database cannot be read or a stored event is no JSON.
    async fn events(&self, run: RunId) -> Result<Vec<Event>, StoreError>;

    /// The documents a run was made from.
    ///
    /// # Errors
    /// When the database cannot be read.
    async fn documents(&self, run: RunId) -> Result<Vec<SourceDocument>, StoreError>;
}

/// The right to append to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fence(pub i64);

/// A run about to begin.
#[derive(Debug, Clone)]
pub struct NewRun {
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
    pub claim: Option<String>,
    /// The experiment's labels.
    pub labels: BTreeMap<String, String>,
    /// When.
    pub started_at: WallTime,
    /// What it is made from.
    pub documents: Vec<SourceDocument>,
}

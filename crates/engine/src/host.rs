//! Where faults happen, as the engine sees it: in this process, behind an agent or in a proxy is the same.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use steadfast_faults::{FaultSpec, Preview};
use steadfast_model::{InjectionId, Observation, ResolvedTarget, RunId, Target};
use steadfast_probes::load::HttpLoad;

/// Finds targets, puts faults into them and takes them out again.
#[async_trait]
pub trait Host: Send + Sync {
    /// What this host could do and what it lacks, one entry a capability.
    async fn inventory(&self) -> Vec<Capability>;

    /// Finds what a document names. Never Steadfast itself, its ancestors or its control path.
    ///
    /// # Errors
    /// [`HostError`] when nothing matches or what matches is protected.
    async fn resolve(&self, target: &Target) -> Result<Vec<ResolvedTarget>, HostError>;

    /// Says what an injection would do. Changes nothing. Includes conflicts with live injections.
    ///
    /// # Errors
    /// [`HostError`] when it could not be done.
    async fn preflight(&self, fault: &FaultSpec, targets: &[ResolvedTarget]) -> Result<Preview, HostError>;

    /// Puts a fault in place. A repeated order with the same injection id is a no-op that returns the first answer.
    ///
    /// # Errors
    /// [`HostError`] when it could not be done; what had been done by then is undone before this returns.
    async fn inject(&self, order: &InjectionOrder) -> Result<(), HostError>;

    /// Extends the lease of a live injection, never its deadline.
    ///
    /// # Errors
    /// [`HostError`] when it is not live any more.
    async fn renew(&self, injection: InjectionId) -> Result<(), HostError>;

    /// Takes a fault away. Repeating it, or reverting what never happened, succeeds.
    ///
    /// # Errors
    /// [`RevertError`] when a step back failed.
    async fn revert(&self, injection: InjectionId) -> Result<(), RevertError>;

    /// What can be seen of a fault from outside. `injection` is the one it is, was or will be put in place by.
    ///
    /// # Errors
    /// [`HostError`] when nothing can be seen at all.
    async fn observe(
        &self,
        fault: &FaultSpec,
        targets: &[ResolvedTarget],
        injection: InjectionId,
    ) -> Result<Observation, HostError>;
}

/// The built-in load. What it counts is read through the `load` probe.
#[async_trait]
pub trait Traffic: Send + Sync {
    /// Starts to send.
    ///
    /// # Errors
    /// When the address cannot be found or the load is not sound.
    async fn start(&self, load: &HttpLoad) -> Result<(), HostError>;

    /// Stops sending, waits briefly for answers under way and says what it did.
    async fn stop(&self, name: &str) -> Option<LoadReport>;
}

/// What a load did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadReport {
    /// Requests that were due.
    pub due: u64,
    /// Requests that were sent.
    pub sent: u64,
    /// Answers with an accepted status.
    pub good: u64,
    /// Latency from the intended start in microseconds: p50, p90, p99, largest.
    pub latency_us: [u64; 4],
    /// Why requests were not good, and how often.
    pub failures: BTreeMap<String, u64>,
}

/// What to inject, chosen by the caller.
#[derive(Debug, Clone)]
pub struct InjectionOrder {
    /// Its id.
    pub injection: InjectionId,
    /// The run it belongs to; none when tried by hand.
    pub run: Option<RunId>,
    /// The fault.
    pub fault: FaultSpec,
    /// Where, as resolved and shown.
    pub targets: Vec<ResolvedTarget>,
    /// For how long. The hard deadline is this plus a grace of 5 s after the injection.
    pub duration: Duration,
}

/// One thing a machine can or cannot do.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Capability {
    /// What: `pidfd`, `boot clock`.
    pub name: String,
    /// Whether it works here.
    pub works: bool,
    /// What was found.
    pub detail: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// Why a host could not do something. Messages are fragments after "failed to".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct HostError {
    /// What kind of trouble.
    pub kind: HostErrorKind,
    /// What and why.
    pub message: String,
    /// What to try.
    pub hint: Option<String>,
}

/// Kinds of trouble that callers tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostErrorKind {
    /// Nothing matches the target.
    NoTarget,
    /// The target is Steadfast itself, its ancestor or its control path.
    Protected,
    /// A live injection holds the same thing.
    Conflict,
    /// A privilege is missing.
    Denied,
    /// This fault and this target or machine do not go together, or the policy forbids it.
    Unsupported,
    /// The target is gone.
    TargetGone,
    /// The undo record could not be written: nothing was changed.
    NotRecorded,
    /// The injection is not live any more.
    NotLive,
    /// It failed half-way, and what had been done could not be undone: a person must act.
    Abandoned,
    /// Anything else.
    Other,
}

/// Why a fault is still there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RevertError {
    /// What and why.
    pub message: String,
    /// Whether it was given up: a person must act.
    pub abandoned: bool,
    /// What a person could type.
    pub manual: Vec<String>,
}

//! What a run set out to do.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Duration, InjectionId, Target, sample::Increment};

/// What a run set out to do: everything the verdict depends on besides the samples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunPlan {
    /// Length of an interval.
    pub interval: Duration,
    /// Length of the baseline window.
    pub baseline: Duration,
    /// Length of the fault window, unless it ends early.
    pub fault: Duration,
    /// Length of the recovery window at most.
    pub recovery: Duration,
    /// Chance to refute wrongly.
    pub alpha: f64,
    /// Chance to say `held` wrongly.
    pub beta: f64,
    /// What is watched.
    pub metrics: Vec<PlannedMetric>,
    /// What is done.
    pub injections: Vec<PlannedInjection>,
    /// Programs that are run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<PlannedCommand>,
    /// Limit of the recovery expectation.
    pub recovery_within: Option<Duration>,
}

/// A metric to watch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedMetric {
    /// Its name.
    pub name: String,
    /// What counts and where it is read, for people.
    pub describes: String,
    /// What it may do.
    pub tolerance: Tolerance,
    /// How long after it began a bad event may take to be known as one, such as a time-out. For so long into a fault
    /// the metric tells about the time before as well.
    #[serde(default, skip_serializing_if = "Duration::is_zero")]
    pub onset: Duration,
    /// What earlier runs measured of it before their faults, when there is enough of it: how bad events come is learned
    /// from this when the run's own baseline is too short.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<StoredHistory>,
}

/// Steady counts of earlier runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredHistory {
    /// From how many runs.
    pub runs: u64,
    /// Counts of whole minutes (of one interval, if that is longer), oldest first. No block holds parts of two runs.
    pub blocks: Vec<Increment>,
}

/// The share of bad events a metric may have while a fault is in effect: a map with one key.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Tolerance {
    /// At most this share of events, between 0 and 1.
    Absolute(f64),
    /// At most this many times the baseline's share, above 1.
    Relative(f64),
}

/// A fault to inject.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedInjection {
    /// Its id.
    pub injection: InjectionId,
    /// The fault as written: a map with one key.
    pub fault: Value,
    /// Where.
    pub target: Target,
    /// For how long.
    pub duration: Duration,
    /// Offset from the start of the fault window, when all takes as long as planned.
    pub offset: Duration,
    /// Whether there is anything to take back: a killed process cannot be.
    pub reversible: bool,
    /// When its turn is. Nothing: after the injection before it, at its offset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<Turn>,
    /// What the fault is called when there are several: injections with the same name are judged together, and each name
    /// by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A program to run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedCommand {
    /// The program, for people.
    pub describes: String,
    /// It is ended after this time.
    pub deadline: Duration,
    /// When its turn is.
    pub turn: Turn,
}

/// A place in the method. Its turn has come when everything in earlier steps, and everything before it in its branch of
/// the step, is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// The step of the method.
    pub step: usize,
    /// The branch of the step: branches go on beside each other.
    pub branch: usize,
    /// The place in the branch.
    pub place: usize,
    /// How long it waits when its turn has come.
    #[serde(default, skip_serializing_if = "Duration::is_zero")]
    pub wait: Duration,
}

impl Turn {
    /// Whether `self` must be over before the turn of `other` has come.
    #[must_use]
    pub fn precedes(self, other: Self) -> bool {
        self.step < other.step
            || self.step == other.step && self.branch == other.branch && self.place < other.place
    }
}

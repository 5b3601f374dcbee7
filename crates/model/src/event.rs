//! What happened in a run. A run is its events: everything shown about it is computed from them.

mod plan;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use plan::{PlannedCommand, PlannedInjection, PlannedMetric, RunPlan, StoredHistory, Tolerance, Turn};

use crate::{
    Effect, InjectionId, Outcome, ResolvedTarget, RunId, Target, Verdict, WallTime, sample::MetricSample,
    verdict::Reason,
};

/// One occurrence in a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// Counts the events of a run from 0, without gaps.
    pub sequence: u64,
    /// When, by the wall clock.
    pub at: WallTime,
    /// Nanoseconds since the run began.
    pub since_start: u64,
    /// What.
    pub body: EventBody,
}

/// Where a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Phase {
    /// The document is checked.
    Check,
    /// Targets are resolved and looked at.
    Preflight,
    /// The steady state is measured.
    Baseline,
    /// A fault is put in place.
    Inject,
    /// Its effect is looked for.
    VerifyEffect,
    /// The metrics are watched under the fault.
    Observe,
    /// The fault is taken away.
    Revert,
    /// It is made sure that it is gone.
    VerifyGone,
    /// The metrics are watched until they are back.
    Recover,
    /// The verdict is formed.
    Conclude,
    /// It is over.
    Done,
}

/// What happened: a map with one key. Readers keep types they do not know.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum EventBody {
    /// An event of this version.
    Known(Box<Known>),
    /// An event of another version, kept as it was.
    Unknown(Value),
}

impl<'de> Deserialize<'de> for EventBody {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Ok(match serde_json::from_value(value.clone()) {
            Ok(known) => Self::Known(Box::new(known)),
            Err(_) => Self::Unknown(value),
        })
    }
}

impl From<Known> for EventBody {
    fn from(known: Known) -> Self {
        Self::Known(Box::new(known))
    }
}

impl EventBody {
    /// The event, when this version knows it.
    #[must_use]
    pub fn known(&self) -> Option<&Known> {
        match self {
            Self::Known(known) => Some(known),
            Self::Unknown(_) => None,
        }
    }
}

/// The events of this version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Known {
    /// The run began.
    RunStarted {
        /// Its id.
        run: RunId,
        /// The name people see.
        name: String,
        /// The experiment's name.
        experiment: String,
        /// Digest of the document, without defaults.
        document_digest: String,
        /// Values given to the document's parameters.
        parameters: BTreeMap<String, String>,
        /// What was planned, before anything was measured.
        plan: RunPlan,
    },
    /// A phase began.
    PhaseEntered {
        /// Which.
        phase: Phase,
    },
    /// Targets were found.
    TargetsResolved {
        /// The injection they are for.
        injection: InjectionId,
        /// As written.
        target: Target,
        /// As found.
        resolved: Vec<ResolvedTarget>,
        /// How the fault would be put in place, and what it touches.
        preview: Value,
    },
    /// An interval was measured.
    Sampled {
        /// Counts the intervals of a run from 0.
        interval: u64,
        /// The phase it belongs to: [`Phase::Baseline`], [`Phase::Inject`] while a fault has not answered yet,
        /// [`Phase::Observe`] under a fault, and [`Phase::Recover`] without one, between faults and after the last.
        /// Only intervals under a fault are judged.
        phase: Phase,
        /// One entry a metric, in the plan's order.
        metrics: Vec<MetricSample>,
    },
    /// The steady state before the fault was judged.
    SteadyStateJudged {
        /// Whether to go on.
        met: bool,
        /// Why.
        reason: Reason,
    },
    /// A fault is in place.
    FaultInjected {
        /// Which.
        injection: InjectionId,
    },
    /// A fault could not be put in place.
    InjectionFailed {
        /// Which.
        injection: InjectionId,
        /// Why.
        reason: Reason,
    },
    /// A fault's effect was looked for.
    EffectObserved {
        /// Which.
        injection: InjectionId,
        /// What was seen.
        effect: Effect,
    },
    /// The evidence says that harm is shown: the fault ends early.
    HarmShown {
        /// Index of the interval among those under a fault.
        interval: u64,
        /// The metrics that show it.
        metrics: Vec<String>,
    },
    /// A guard ended the fault.
    GuardTripped {
        /// Its name.
        guard: String,
        /// What it saw.
        why: String,
    },
    /// Somebody asked for an end.
    StopRequested {
        /// Who or what: `interrupt`, `terminate`, `command`.
        by: String,
    },
    /// A fault was taken away.
    FaultReverted {
        /// Which.
        injection: InjectionId,
    },
    /// A fault could not be taken away yet.
    RevertFailed {
        /// Which.
        injection: InjectionId,
        /// Why.
        why: String,
        /// Whether it was given up, so that a person must act.
        abandoned: bool,
        /// What a person could type.
        manual: Vec<String>,
    },
    /// It was looked whether a fault is gone.
    GoneObserved {
        /// Which.
        injection: InjectionId,
        /// What was seen.
        effect: Effect,
    },
    /// How long it took to be back in the steady state.
    RecoveryMeasured {
        /// Seconds from the end of the fault (from the injection for faults that end by themselves); `None`: not within
        /// the recovery window.
        seconds: Option<f64>,
        /// Limit of the expectation, if there is one, in seconds.
        within: Option<f64>,
        /// When harm began and ended, when the metrics show any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        harm: Option<DatedHarm>,
    },
    /// What the built-in load did, in all.
    LoadReported {
        /// Its name.
        load: String,
        /// Requests that were due.
        due: u64,
        /// Requests that were sent.
        sent: u64,
        /// Answers that counted as good.
        good: u64,
        /// Latency from the intended start, in microseconds: p50, p90, p99 and the largest.
        latency_us: [u64; 4],
        /// Why requests were not good, and how often: `status 503`, `connection refused`.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        failures: BTreeMap<String, u64>,
    },
    /// Something the run needs is missing: a target, a load, a probe.
    SetupFailed {
        /// What and why.
        reason: Reason,
    },
    /// A fault may have ended before its time: its lease could not be renewed.
    LeaseLost {
        /// Which.
        injection: InjectionId,
        /// Why.
        why: String,
    },
    /// A program of the method was started.
    CommandStarted {
        /// Which, counted from 0 in the plan.
        command: usize,
    },
    /// A program of the method is over.
    CommandEnded {
        /// Which, counted from 0 in the plan.
        command: usize,
        /// Whether it did what it should.
        succeeded: bool,
        /// How it ended.
        how: String,
    },
    /// The history could not be written. From here on events are in the spool file.
    JournalFailed {
        /// Why.
        why: String,
    },
    /// Something odd that people should know.
    Noted {
        /// What.
        what: String,
    },
    /// The run is over.
    Concluded(Box<Conclusion>),
}

/// When harm began and ended: change points of the metrics.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DatedHarm {
    /// The metric that showed it first.
    pub first: String,
    /// Since the fault was in place.
    pub began: Dated,
    /// The metric that came back last.
    pub last: String,
    /// Since the end of the fault (the injection for faults that end by themselves); nothing while harm lasts.
    pub ended: Option<Dated>,
}

/// A moment and the interval it lies in with about 95 %, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Dated {
    /// The likeliest.
    pub seconds: f64,
    /// Not before this.
    pub low: f64,
    /// Not after this; nothing when it may be still to come.
    pub high: Option<f64>,
}

/// How a run ended, with everything a replay must reproduce.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Conclusion {
    /// How it ended.
    pub outcome: Outcome,
    /// What it showed.
    pub verdict: Verdict,
    /// Why.
    pub reason: Reason,
    /// Version of the analysis.
    pub analysis: String,
    /// The analysis' finding (`steadfast verdict --output json`), or null when nothing was measured under a fault.
    pub finding: Value,
    /// SHA-256 of the canonical form of all `Sampled` events.
    pub samples_digest: String,
    /// Fault by fault, when there were several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<FaultConclusion>,
}

/// What a run showed about one of several faults. The finding has its metrics, named `METRIC under FAULT`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FaultConclusion {
    /// What it is called.
    pub fault: String,
    /// The injections of it.
    pub injections: Vec<InjectionId>,
    /// What was shown under it.
    pub verdict: Verdict,
    /// Why.
    pub reason: Reason,
}

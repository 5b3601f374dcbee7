//! What the machine is told.

use std::collections::BTreeMap;

use serde_json::Value;
use steadfast_model::{
    Effect, InjectionId, ResolvedTarget, Target, event::Known, sample::MetricSample, verdict::Reason,
};

/// Something that happened outside the machine. Every one that changes anything becomes an event, so that a replay
/// can tell the machine the same.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// A target was found, and the fault could be put into it.
    TargetsResolved {
        /// The injection it is for.
        injection: InjectionId,
        /// As written.
        target: Target,
        /// As found.
        resolved: Vec<ResolvedTarget>,
        /// What would be done.
        preview: Value,
    },
    /// Something the run needs is missing.
    SetupFailed {
        /// What and why.
        reason: Reason,
    },
    /// An interval is over.
    Sampled {
        /// What was counted in it.
        metrics: Vec<MetricSample>,
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
    /// A fault was taken away.
    FaultReverted {
        /// Which.
        injection: InjectionId,
    },
    /// A fault could not be taken away.
    RevertFailed {
        /// Which.
        injection: InjectionId,
        /// Why.
        why: String,
        /// Whether it was given up.
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
    /// A guard says that it is enough.
    GuardTripped {
        /// Which.
        guard: String,
        /// What it saw.
        why: String,
    },
    /// Somebody asked for an end.
    StopRequested {
        /// Who or what.
        by: String,
    },
    /// A lease could not be renewed.
    LeaseLost {
        /// Of which fault.
        injection: InjectionId,
        /// Why.
        why: String,
    },
    /// A program of the method is over.
    CommandEnded {
        /// Which, by its place in the plan.
        command: usize,
        /// Whether it did what it should.
        succeeded: bool,
        /// How it ended.
        how: String,
    },
    /// The history cannot be written.
    JournalFailed {
        /// Why.
        why: String,
    },
    /// What a load did, in all.
    LoadReported {
        /// Its name.
        load: String,
        /// Requests that were due.
        due: u64,
        /// Requests that were sent.
        sent: u64,
        /// Good answers.
        good: u64,
        /// p50, p90, p99 and the largest, in microseconds.
        latency_us: [u64; 4],
        /// Why requests were not good, and how often.
        failures: BTreeMap<String, u64>,
    },
    /// Something odd that people should know.
    Noted {
        /// What.
        what: String,
    },
    /// All loads have ended and reported. The conclusion itself records it.
    LoadsStopped,
}

impl Input {
    /// The input that a recorded event stands for; nothing for events the machine makes by itself.
    #[must_use]
    pub fn recorded(known: &Known) -> Option<Self> {
        Some(match known.clone() {
            Known::TargetsResolved { injection, target, resolved, preview } => {
                Self::TargetsResolved { injection, target, resolved, preview }
            }
            Known::SetupFailed { reason } => Self::SetupFailed { reason },
            Known::Sampled { metrics, .. } => Self::Sampled { metrics },
            Known::FaultInjected { injection } => Self::FaultInjected { injection },
            Known::InjectionFailed { injection, reason } => Self::InjectionFailed { injection, reason },
            Known::EffectObserved { injection, effect } => Self::EffectObserved { injection, effect },
            Known::FaultReverted { injection } => Self::FaultReverted { injection },
            Known::RevertFailed { injection, why, abandoned, manual } => {
                Self::RevertFailed { injection, why, abandoned, manual }
            }
            Known::GoneObserved { injection, effect } => Self::GoneObserved { injection, effect },
            Known::GuardTripped { guard, why } => Self::GuardTripped { guard, why },
            Known::StopRequested { by } => Self::StopRequested { by },
            Known::LeaseLost { injection, why } => Self::LeaseLost { injection, why },
            Known::CommandEnded { command, succeeded, how } => Self::CommandEnded { command, succeeded, how },
            Known::JournalFailed { why } => Self::JournalFailed { why },
            Known::LoadReported { load, due, sent, good, latency_us, failures } => {
                Self::LoadReported { load, due, sent, good, latency_us, failures }
            }
            Known::Noted { what } => Self::Noted { what },
            Known::Concluded(_) => Self::LoadsStopped,
            Known::RunStarted { .. }
            | Known::PhaseEntered { .. }
            | Known::CommandStarted { .. }
            | Known::SteadyStateJudged { .. }
            | Known::HarmShown { .. }
            | Known::RecoveryMeasured { .. } => return None,
        })
    }
}

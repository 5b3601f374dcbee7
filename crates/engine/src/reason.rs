//! Why a run ended as it did: a closed list, each with the numbers behind it and a sentence for people.
//!
//! Reasons that come from the numbers alone are those of `steadfast_analysis`; [`found`] carries them over.

use serde::Serialize;
use serde_json::Value;
use steadfast_analysis::Unsteady;
use steadfast_model::verdict;

mod sentence;

/// Why a run ended as it did, besides what the numbers say.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Reason {
    /// The plan cannot be run.
    InvalidPlan {
        /// Everything that is wrong with it.
        problems: Vec<String>,
    },
    /// What the document names was not found.
    TargetNotFound {
        /// What it names.
        target: String,
        /// Why.
        why: String,
        /// What to try.
        hint: Option<String>,
    },
    /// The fault cannot be put into this target.
    NotPossible {
        /// The target.
        target: String,
        /// What kind of trouble: `denied`, `conflict`, `protected`, `unsupported` and so on.
        kind: String,
        /// Why.
        why: String,
        /// What to try.
        hint: Option<String>,
    },
    /// A load could not be started.
    LoadNotStarted {
        /// Its name.
        load: String,
        /// Why.
        why: String,
    },
    /// Before the fault all was as it should be.
    SteadyStateMet {
        /// Number of metrics.
        metrics: usize,
    },
    /// Before the fault something was wrong already.
    SteadyStateNotMet {
        /// The metric.
        metric: String,
        /// What was wrong.
        problem: Unsteady,
    },
    /// Nothing was seen before the fault.
    NoTraffic {
        /// The silent metrics.
        metrics: Vec<String>,
    },
    /// A metric could not be measured at all.
    NotMeasured {
        /// The metric.
        metric: String,
        /// Why, the last time.
        why: Option<String>,
    },
    /// A fault could not be put in place.
    InjectionFailed {
        /// Where.
        target: String,
        /// Why.
        why: String,
    },
    /// A program of the method did not do what it should.
    CommandFailed {
        /// Which.
        command: String,
        /// Why.
        why: String,
    },
    /// The run ended before it was this fault's turn.
    NotReached {
        /// Where it was planned.
        target: String,
    },
    /// A fault was put in place but never seen to disturb anything.
    NoEffect {
        /// Where.
        target: String,
        /// What was seen last.
        saw: Option<String>,
    },
    /// A fault was seen in effect, and then not any more, before its time.
    EffectLost {
        /// Where.
        target: String,
        /// What was seen.
        saw: String,
    },
    /// A fault was in place, but seen to disturb something in fewer than half of the intervals that were judged.
    EffectSeldom {
        /// Where.
        target: String,
        /// Intervals in which it was seen in effect.
        intervals: u64,
        /// Intervals that were judged.
        of: u64,
        /// What was seen last.
        saw: Option<String>,
    },
    /// A fault was taken away, but it was not seen to be gone.
    StillThere {
        /// Where.
        target: String,
        /// What was seen last.
        saw: Option<String>,
    },
    /// A guard ended the run.
    GuardTripped {
        /// Its name.
        guard: String,
        /// What it saw.
        why: String,
    },
    /// Somebody ended the run.
    StopRequested {
        /// Who or what.
        by: String,
    },
    /// A fault's lease could not be renewed.
    LeaseLost {
        /// Where the fault was.
        target: String,
        /// Why.
        why: String,
    },
    /// A fault could not be taken away, and nobody tries any more: a person must act.
    RevertAbandoned {
        /// Where it is.
        target: String,
        /// Why.
        why: String,
        /// What a person could type.
        manual: Vec<String>,
    },
    /// A fault could not be taken away by the run. The reaper does so at its deadline.
    RevertFailed {
        /// Where it is.
        target: String,
        /// Why.
        why: String,
    },
    /// The history could not be written.
    StoreUnavailable {
        /// Why.
        why: String,
    },
    /// The system was not back in its steady state in time.
    RecoveryTooSlow {
        /// How long it took; `None`: longer than was watched.
        seconds: Option<f64>,
        /// The limit.
        within: f64,
    },
    /// It could not be seen whether the system was back in time.
    RecoveryNotSeen {
        /// The limit, in seconds.
        within: f64,
        /// Share of the intervals after the fault that were measured with traffic.
        completeness: f64,
    },
}

impl Reason {
    /// Its code in camel case.
    #[must_use]
    pub fn code(&self) -> String {
        verdict::Reason::from(self).code
    }
}

impl From<&Reason> for verdict::Reason {
    fn from(reason: &Reason) -> Self {
        tagged(reason, reason.sentence())
    }
}

impl From<Reason> for verdict::Reason {
    fn from(reason: Reason) -> Self {
        Self::from(&reason)
    }
}

/// A reason of the analysis, as a conclusion carries it.
#[must_use]
pub fn found(reason: &steadfast_analysis::Reason, sentence: &str) -> verdict::Reason {
    tagged(reason, sentence.to_owned())
}

/// Takes a one-key map apart: the key is the code, the value the data.
fn tagged(reason: &impl Serialize, sentence: String) -> verdict::Reason {
    let value = serde_json::to_value(reason).expect("reasons are plain data with text keys");
    let (code, data) = match value {
        Value::Object(map) => map.into_iter().next().expect("an enum with fields is a map with one key"),
        other => (other.as_str().unwrap_or_default().to_owned(), Value::Null),
    };
    verdict::Reason { code, sentence, data }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_a_code_with_data_and_a_sentence() {
        let reason =
            verdict::Reason::from(Reason::GuardTripped { guard: "budget".into(), why: "2 % burnt".into() });
        assert_eq!(reason.code, "guardTripped");
        assert_eq!(reason.data["why"], "2 % burnt");
        assert!(reason.sentence.contains("budget"), "{}", reason.sentence);
    }
}

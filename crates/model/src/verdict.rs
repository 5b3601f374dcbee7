//! How a run ended and what it showed.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a run showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// The hypothesis was put to the test and stood.
    Held,
    /// The hypothesis was shown to be wrong.
    Refuted,
    /// Neither was shown.
    Inconclusive,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// It ran its planned time.
    Completed,
    /// It was ended early: by evidence of harm, a guard or a person.
    Stopped,
    /// It never injected anything.
    Refused,
    /// Something of ours broke.
    Failed,
}

/// Why: a code from a closed list, the numbers behind it, and a sentence for people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Reason {
    /// The code, such as `noTraffic`.
    pub code: String,
    /// One sentence a product engineer understands.
    pub sentence: String,
    /// The numbers behind it.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub data: serde_json::Value,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Held => "held",
            Self::Refuted => "refuted",
            Self::Inconclusive => "inconclusive",
        })
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Completed => "completed",
            Self::Stopped => "stopped",
            Self::Refused => "refused",
            Self::Failed => "failed",
        })
    }
}

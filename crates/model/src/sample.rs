//! Counts of one metric over one interval.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Events of one interval. `bad` never exceeds `total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Increment {
    /// Events that failed, were too slow, or were wrong.
    pub bad: u64,
    /// All events.
    pub total: u64,
}

/// One metric's part of one interval.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MetricSample {
    /// The metric's name.
    pub metric: String,
    /// What was counted; `None` when it could not be: a gap, which is not the same as no traffic.
    pub increment: Option<Increment>,
    /// Why there is a gap, or what else is odd about this interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The increment also counts what happened in the intervals before that have a gap.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub spans_gap: bool,
}

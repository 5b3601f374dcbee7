//! The built-in load as a document describes it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use steadfast_model::{Duration, Rate, secret::TextOrSecret};

/// Open-loop HTTP traffic: requests start when they are due, whether earlier ones were answered or not, and latency
/// counts from the moment they were due.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HttpLoad {
    /// Its name, for `load` probes and reports.
    pub name: String,
    /// The service to send to, by the binding. Either this or `url`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The address to send to. With `service`, leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Path and query, after the address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The method.
    #[serde(default = "get")]
    pub method: String,
    /// Headers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, TextOrSecret>,
    /// The body of every request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// How many requests are due, on average.
    pub rate: Rate,
    /// How the due times are spread.
    #[serde(default)]
    pub arrivals: Arrivals,
    /// An answer later than this after its due time counts as none.
    #[serde(default = "ten_seconds")]
    pub timeout: Duration,
    /// Statuses that count as good: exact numbers or classes such as `2xx`.
    #[serde(default = "success")]
    pub accept: Vec<String>,
    /// Requests that may be unanswered at once; those due beyond count as bad without being sent. At most 100,000.
    #[serde(default = "thousand")]
    pub in_flight: u32,
}

/// How due times are spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Arrivals {
    /// Independent of each other, as users are.
    #[default]
    Poisson,
    /// Evenly.
    Constant,
}

fn get() -> String {
    "GET".to_owned()
}

fn ten_seconds() -> Duration {
    Duration::from_secs(10)
}

fn success() -> Vec<String> {
    vec!["2xx".to_owned()]
}

fn thousand() -> u32 {
    1_000
}

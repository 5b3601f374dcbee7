//! What makes an answer good.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use steadfast_model::{Duration, Problems};

use crate::{StatusSet, world::HttpAnswer};

/// What makes an answer good: all of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Expectation {
    /// Statuses: exact numbers or classes such as `2xx`.
    #[serde(default)]
    pub status: StatusSet,
    /// What the body holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<BodyExpectation>,
    /// It is complete sooner than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_below: Option<Duration>,
}

/// What a body holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum BodyExpectation {
    /// This text, somewhere.
    Contains(String),
    /// This value, somewhere in a JSON document.
    Json(JsonValue),
}

/// A value at a place in a JSON document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct JsonValue {
    /// Where: a JSON pointer (RFC 6901) such as `/items/0/status`; empty for the whole document.
    pub pointer: String,
    /// What is there. Numbers are equal when their values are.
    pub equals: Value,
}

impl Expectation {
    pub(super) fn check(&self, timeout: Duration, problems: &mut Problems) {
        if let Some(latency) = self.latency_below {
            if latency == Duration::ZERO {
                problems.error(&["expect", "latencyBelow"], "nothing is answered in no time", None);
            } else if latency > timeout {
                problems.error(
                    &["expect", "latencyBelow"],
                    format!("{latency} is longer than the timeout of {timeout}"),
                    Some("a longer `timeout`, or leave this out: no answer in time is bad anyway"),
                );
            }
        }
        match &self.body {
            Some(BodyExpectation::Contains(text)) if text.is_empty() => {
                problems.error(&["expect", "body", "contains"], "every body contains nothing", None);
            }
            Some(BodyExpectation::Json(json)) if !is_pointer(&json.pointer) => problems.error(
                &["expect", "body", "json", "pointer"],
                format!("`{}` is no JSON pointer", json.pointer),
                Some("write /items/0/status; in names, ~1 stands for / and ~0 for ~"),
            ),
            _ => {}
        }
    }

    /// What is wrong with an answer; `None` when it is good. The body itself is not repeated, it may be private.
    pub(super) fn wrong_with(&self, answer: &HttpAnswer) -> Option<String> {
        if !self.status.contains(answer.status) {
            return Some(format!("status {} instead of {}", answer.status, self.status));
        }
        if let Some(wrong) = self.body.as_ref().and_then(|body| body.wrong_with(answer)) {
            return Some(wrong);
        }
        let below = self.latency_below.filter(|below| answer.took >= below.std())?;
        Some(format!("answered after {} ms, not below {below}", answer.took.as_millis()))
    }
}

impl BodyExpectation {
    fn wrong_with(&self, answer: &HttpAnswer) -> Option<String> {
        match self {
            Self::Contains(text) => {
                let found = answer.body.windows(text.len()).any(|window| window == text.as_bytes());
                (!found).then(|| format!("the body does not contain `{text}`"))
            }
            Self::Json(JsonValue { pointer, equals }) => {
                match serde_json::from_slice::<Value>(&answer.body) {
                    Err(_) if looks_like_html(&answer.body) => {
                        Some("the body is a web page (HTML), not JSON".to_owned())
                    }
                    Err(wrong) => Some(format!("the body is not JSON: {wrong}")),
                    Ok(document) => match document.pointer(pointer) {
                        None => Some(format!("the body has nothing at `{pointer}`")),
                        Some(found) if same(found, equals) => None,
                        Some(_) => Some(format!("the value at `{pointer}` is not {equals}")),
                    },
                }
            }
        }
    }
}

/// Equal as JSON, where `1` and `1.0` are the same number.
pub(crate) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            a == b || a.as_f64() == b.as_f64() && (a.is_f64() || b.is_f64())
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

fn looks_like_html(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"<")
}

/// Whether this is a JSON pointer.
pub(crate) fn is_pointer(pointer: &str) -> bool {
    let escapes_are_sound = pointer.split('~').skip(1).all(|after| after.starts_with(['0', '1']));
    pointer.is_empty() || pointer.starts_with('/') && escapes_are_sound
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "status {}", self.status)?;
        match &self.body {
            Some(BodyExpectation::Contains(text)) => write!(f, ", body contains `{text}`")?,
            Some(BodyExpectation::Json(json)) => write!(f, ", `{}` is {}", json.pointer, json.equals)?,
            None => {}
        }
        self.latency_below.map_or(Ok(()), |latency| write!(f, ", below {latency}"))
    }
}

//! What a program must say.

use std::{collections::BTreeSet, fmt};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use steadfast_model::Problems;

use super::Gap;
use crate::probes::http::{is_pointer, same};

/// What a program must say: a map with one key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum CommandExpectation {
    /// It ends with one of these exit codes.
    ExitCode(BTreeSet<i32>),
    /// It ends with exit code 0 and prints a number within limits.
    Number(NumberExpectation),
    /// It ends with exit code 0 and prints a JSON document with a value at a place.
    Json(JsonExpectation),
}

/// Limits of a number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NumberExpectation {
    /// A larger number is bad.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<f64>,
    /// A smaller number is bad.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<f64>,
}

/// A value at a place in a JSON document: either what it equals or its limits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct JsonExpectation {
    /// Where: a JSON pointer (RFC 6901) such as `/replicas/0/lag`; empty for the whole document.
    pub pointer: String,
    /// What is there. Numbers are equal when their values are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub equals: Option<Value>,
    /// A larger number is bad.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<f64>,
    /// A smaller number is bad.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<f64>,
}

impl Default for CommandExpectation {
    fn default() -> Self {
        Self::ExitCode(BTreeSet::from([0]))
    }
}

impl CommandExpectation {
    pub(super) fn check(&self, problems: &mut Problems) {
        match self {
            Self::ExitCode(good) if good.is_empty() => {
                problems.error(&["expect", "exitCode"], "no exit code is good", Some("write [0]"));
            }
            Self::ExitCode(good) => {
                if let Some(code) = good.iter().find(|code| !(0..=255).contains(*code)) {
                    let message = format!("{code} is no exit code");
                    problems.error(&["expect", "exitCode"], message, Some("they are from 0 to 255"));
                }
            }
            Self::Number(number) => check_limits("number", number.at_least, number.at_most, false, problems),
            Self::Json(json) => {
                if !is_pointer(&json.pointer) {
                    problems.error(
                        &["expect", "json", "pointer"],
                        format!("`{}` is no JSON pointer", json.pointer),
                        Some("write /items/0/status; in names, ~1 stands for / and ~0 for ~"),
                    );
                }
                check_limits("json", json.at_least, json.at_most, json.equals.is_some(), problems);
            }
        }
    }

    /// What is bad about what it printed; `None` when it is good. An error when there is no such number or value.
    pub(super) fn wrong_with(&self, output: &str) -> Result<Option<String>, Gap> {
        match self {
            Self::ExitCode(_) => Ok(None),
            Self::Number(limits) => {
                let text = output.trim();
                let number: Option<f64> = text.parse().ok().filter(|number: &f64| number.is_finite());
                let number = number.ok_or_else(|| {
                    let text: String = text.chars().take(40).collect();
                    (
                        format!("it printed `{text}`, which is no number"),
                        Some("print the number and nothing else"),
                    )
                })?;
                Ok(outside(number, limits.at_least, limits.at_most))
            }
            Self::Json(json) => json.wrong_with(output),
        }
    }
}

impl JsonExpectation {
    fn wrong_with(&self, output: &str) -> Result<Option<String>, Gap> {
        let document: Value = serde_json::from_str(output)
            .map_err(|error| (format!("what it printed is not JSON: {error}"), None))?;
        let place = &self.pointer;
        let found = document
            .pointer(place)
            .ok_or_else(|| (format!("what it printed has nothing at `{place}`"), None))?;
        if let Some(equals) = &self.equals {
            return Ok((!same(found, equals)).then(|| format!("the value at `{place}` is not {equals}")));
        }
        let number = found.as_f64().ok_or_else(|| (format!("the value at `{place}` is no number"), None))?;
        Ok(outside(number, self.at_least, self.at_most))
    }
}

fn outside(number: f64, least: Option<f64>, most: Option<f64>) -> Option<String> {
    let good = least.is_none_or(|least| number >= least) && most.is_none_or(|most| number <= most);
    (!good).then(|| format!("{number} is not {}", Limits(least, most)))
}

fn check_limits(key: &str, least: Option<f64>, most: Option<f64>, equals: bool, problems: &mut Problems) {
    if [least, most].into_iter().flatten().any(|limit| !limit.is_finite()) {
        problems.error(&["expect", key], "a limit is a finite number", None);
    }
    match (least, most, equals) {
        (None, None, false) => {
            problems.error(&["expect", key], "nothing says what is bad", Some("add atMost: NUMBER"));
        }
        (None, None, true) => {}
        (_, _, true) => {
            problems.error(
                &["expect", key, "equals"],
                "both `equals` and limits are given",
                Some("keep one"),
            );
        }
        (Some(least), Some(most), false) if least > most => {
            problems.error(&["expect", key, "atLeast"], format!("{least} is above `atMost`: {most}"), None);
        }
        _ => {}
    }
}

struct Limits(Option<f64>, Option<f64>);

impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self(Some(least), Some(most)) => write!(f, "from {least} to {most}"),
            Self(Some(least), None) => write!(f, "at least {least}"),
            Self(None, Some(most)) => write!(f, "at most {most}"),
            Self(None, None) => f.write_str("anything"),
        }
    }
}

impl fmt::Display for CommandExpectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ExitCode(good) => {
                let good: Vec<String> = good.iter().map(ToString::to_string).collect();
                write!(f, "it ends with exit code {}", good.join(" or "))
            }
            Self::Number(limits) => {
                write!(f, "it prints a number that is {}", Limits(limits.at_least, limits.at_most))
            }
            Self::Json(JsonExpectation { pointer, equals: Some(equals), .. }) => {
                write!(f, "`{pointer}` of what it prints is {equals}")
            }
            Self::Json(json) => {
                write!(f, "`{}` of what it prints is {}", json.pointer, Limits(json.at_least, json.at_most))
            }
        }
    }
}

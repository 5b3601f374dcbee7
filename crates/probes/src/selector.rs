//! Which series are meant, written as Prometheus does: `http_requests_total{route="/pay",code=~"5.."}`.
//!
//! Matching follows the Prometheus documentation of instant vector selectors: `=`, `!=`, `=~`, `!~`; regular
//! expressions are anchored at both ends; a label that a series does not have is empty.

mod parse;

use std::{borrow::Cow, fmt, str::FromStr};

use regex::Regex;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::exposition::Sample;

/// The longest selector, in bytes.
pub const LONGEST: usize = 4 * 1024;

/// The label that stands for a series' name.
pub const NAME: &str = "__name__";

/// Which series are meant. Two selectors are equal when they are written alike.
#[derive(Debug, Clone)]
pub struct Selector {
    text: String,
    name: Option<String>,
    matchers: Vec<Matcher>,
}

#[derive(Debug, Clone)]
struct Matcher {
    label: String,
    test: Test,
}

#[derive(Debug, Clone)]
enum Test {
    Equal(String),
    NotEqual(String),
    Like(Regex),
    NotLike(Regex),
}

impl Test {
    fn holds(&self, value: &str) -> bool {
        match self {
            Self::Equal(wanted) => wanted == value,
            Self::NotEqual(unwanted) => unwanted != value,
            Self::Like(wanted) => wanted.is_match(value),
            Self::NotLike(unwanted) => !unwanted.is_match(value),
        }
    }
}

impl Selector {
    /// The metric's name, when it is written in front of the braces or as `__name__="…"`.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Whether a sample belongs to a series that is meant.
    #[must_use]
    pub fn matches(&self, sample: &Sample<'_>) -> bool {
        self.matches_as(&sample.name, sample)
    }

    /// The same with another name in place of the sample's: how `latency` finds the `_bucket` series of a histogram.
    #[must_use]
    pub fn matches_as(&self, name: &str, sample: &Sample<'_>) -> bool {
        self.name.as_deref().is_none_or(|wanted| wanted == name)
            && self.matchers.iter().all(|matcher| {
                let value =
                    if matcher.label == NAME { name } else { sample.label(&matcher.label).unwrap_or("") };
                matcher.test.holds(value)
            })
    }

    /// The labels a series must have to be meant.
    pub fn needed_labels(&self) -> impl Iterator<Item = &str> {
        self.matchers
            .iter()
            .filter(|matcher| matcher.label != NAME && !matcher.test.holds(""))
            .map(|matcher| matcher.label.as_str())
    }
}

impl FromStr for Selector {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse::selector(text)
    }
}

impl PartialEq for Selector {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Selector {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Selector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Selector {
    fn schema_name() -> Cow<'static, str> {
        "Selector".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "maxLength": LONGEST,
            "description": "Which series are meant, as Prometheus writes it; only a name and label matchers, no functions.",
            "examples": ["http_requests_total{code=~\"5..\"}"],
        })
    }
}

#[cfg(test)]
mod tests;

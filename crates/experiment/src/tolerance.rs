//! How much worse a metric may be while a fault is in place.

use std::{borrow::Cow, fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use steadfast_model::{Percent, Problems, event::Tolerance};

/// How much worse is still fine: a map with one key.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ToleranceSpec {
    /// At most this share of all events is bad: `1%` or `0.01`.
    Absolute(Share),
    /// The share of bad events is at most this many times the baseline's; above 1, at most 1000.
    Relative(f64),
    /// The error budget is spent at most this many times as fast as the objective allows. Only for `slo`; 10 unless
    /// given.
    BurnRate(f64),
}

impl ToleranceSpec {
    /// As the analysis wants it; `None` for a burn rate, which needs the objective.
    #[must_use]
    pub fn tolerance(self) -> Option<Tolerance> {
        match self {
            Self::Absolute(share) => Some(Tolerance::Absolute(share.fraction())),
            Self::Relative(factor) => Some(Tolerance::Relative(factor)),
            Self::BurnRate(_) => None,
        }
    }

    pub(crate) fn check(self, of_slo: bool, problems: &mut Problems) {
        match self {
            Self::Absolute(share) if share.fraction() <= 0.0 || share.fraction() >= 1.0 => problems.error(
                &["absolute"],
                "a tolerance must be above 0% and below 100%",
                Some("write the share of bad events that is still fine, such as 1% or 0.01"),
            ),
            Self::Relative(factor) if !(factor > 1.0 && factor <= 1_000.0) => problems.error(
                &["relative"],
                "a relative tolerance must be above 1 and at most 1000",
                Some("1.5 means that half as many bad events more than in the baseline are still fine"),
            ),
            Self::BurnRate(_) if !of_slo => problems.error(
                &["burnRate"],
                "only an SLO has an error budget to burn",
                Some("write absolute: 1% or relative: 1.5"),
            ),
            Self::BurnRate(rate) if !(rate > 0.0 && rate <= 1_000_000.0) => {
                problems.error(&["burnRate"], "a burn rate must be above 0 and at most 1000000", None);
            }
            _ => {}
        }
    }
}

/// A share of events, written as `1%` or as `0.01`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share(f64);

impl Share {
    /// From a fraction; `None` when it is not between 0 and 1.
    #[must_use]
    pub fn new(fraction: f64) -> Option<Self> {
        (0.0..=1.0).contains(&fraction).then_some(Self(fraction))
    }

    /// Between 0 and 1.
    #[must_use]
    pub fn fraction(self) -> f64 {
        self.0
    }
}

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim_end().ends_with('%') {
            return text.parse::<Percent>().map(|percent| Self(percent.fraction()));
        }
        let fraction = text.trim().parse().ok().and_then(Self::new);
        fraction.ok_or_else(|| format!("`{text}` is no share of events: write 1% or 0.01"))
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl Serialize for Share {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0)
    }
}

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "expected a share of events such as 1% or 0.01")]
        enum Written {
            Number(f64),
            Text(String),
        }
        let text = match Written::deserialize(deserializer)? {
            Written::Number(number) => number.to_string(),
            Written::Text(text) => text,
        };
        text.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Share {
    fn schema_name() -> Cow<'static, str> {
        "Share".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A share of events: 1% or 0.01.",
            "anyOf": [
                { "type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1 },
                { "type": "string", "pattern": "^ *[0-9.]+ *%? *$|\\$\\{" },
            ],
            "examples": ["1%", 0.01],
        })
    }
}

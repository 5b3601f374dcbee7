//! Percentages and rates as people write them: `2.5%`, `200/s`.

use std::{borrow::Cow, fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A share from 0 to 100, with decimals. Written `2.5%` or `2.5`.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Percent(f64);

/// It is never NaN, so every one equals itself.
impl Eq for Percent {}

impl Percent {
    /// All of it.
    pub const ALL: Self = Self(100.0);

    /// From a number between 0 and 100; `None` when it is outside or not a number.
    #[must_use]
    pub fn new(percent: f64) -> Option<Self> {
        (0.0..=100.0).contains(&percent).then_some(Self(percent))
    }

    /// As a fraction between 0 and 1.
    #[must_use]
    pub fn fraction(self) -> f64 {
        self.0 / 100.0
    }
}

impl FromStr for Percent {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.trim().trim_end_matches('%').trim_end();
        let value: f64 = number.parse().map_err(|_| format!("`{text}` is not a percentage: write 2.5%"))?;
        Self::new(value).ok_or_else(|| format!("`{text}` is outside 0% to 100%"))
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}

/// Events per second, above zero, at most 1,000,000. Written `200/s`, `30/m` or `5/h`.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Rate(f64);

impl Rate {
    /// From a number of events per second; `None` when it is not between 0 (exclusive) and 1,000,000.
    #[must_use]
    pub fn per_second(rate: f64) -> Option<Self> {
        (rate > 0.0 && rate <= 1_000_000.0).then_some(Self(rate))
    }

    /// Events per second.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a rate: write 200/s, 30/m or 5/h");
        let (number, unit) = text.trim().split_once('/').ok_or_else(wrong)?;
        let number: f64 = number.trim().parse().map_err(|_| wrong())?;
        let seconds = match unit.trim() {
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return Err(wrong()),
        };
        Self::per_second(number / seconds)
            .ok_or_else(|| format!("`{text}` is not above 0/s and at most 1000000/s"))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", self.0)
    }
}

/// A number or the text with its unit: both spellings are common in YAML.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a number or a text with its unit")]
enum NumberOrText {
    Number(f64),
    Text(String),
}

macro_rules! as_text {
    ($type:ident, $description:literal, $example:literal, $bare_number:expr) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = match NumberOrText::deserialize(deserializer)? {
                    NumberOrText::Number(number) => format!("{number}{}", $bare_number),
                    NumberOrText::Text(text) => text,
                };
                text.parse().map_err(de::Error::custom)
            }
        }
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": ["string", "number"], "description": $description, "examples": [$example] })
            }
        }
    };
}

as_text!(Percent, "A share from 0% to 100%.", "2.5%", "%");
as_text!(Rate, "Events per second, minute or hour: 200/s.", "200/s", "/s");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_and_rates_are_read_with_and_without_a_unit() {
        assert_eq!("2.5%".parse::<Percent>().unwrap().fraction(), 0.025);
        assert_eq!(serde_json::from_str::<Percent>("50").unwrap().fraction(), 0.5);
        assert_eq!("30/m".parse::<Rate>().unwrap().get(), 0.5);
        assert_eq!(serde_json::from_str::<Rate>("\"200/s\"").unwrap().get(), 200.0);
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["101%", "-1%", "NaN", "x", "inf%"] {
            assert!(text.parse::<Percent>().is_err(), "{text}");
        }
        for text in ["0/s", "-1/s", "200", "200/w", "NaN/s", "2000000/s"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }
}

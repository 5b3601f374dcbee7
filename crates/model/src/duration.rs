//! Durations as people write them: `300ms`, `2m`, `1m 30s`.

use std::{borrow::Cow, fmt, str::FromStr, time::Duration as StdDuration};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A length of time, never negative, at most 365 days. Written with a unit: `300ms`, `2m`, `1h 30m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Duration(StdDuration);

/// The longest duration a document may name: 365 days.
pub const LONGEST: StdDuration = StdDuration::from_secs(365 * 24 * 60 * 60);

impl Duration {
    /// No time at all.
    pub const ZERO: Self = Self(StdDuration::ZERO);

    /// Whether it is no time at all.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.0.is_zero()
    }

    /// A number of milliseconds.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(StdDuration::from_millis(millis))
    }

    /// A number of seconds.
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Self(StdDuration::from_secs(seconds))
    }

    /// As the standard library's duration.
    #[must_use]
    pub const fn std(self) -> StdDuration {
        self.0
    }

    /// In seconds.
    #[must_use]
    pub fn seconds(self) -> f64 {
        self.0.as_secs_f64()
    }
}

impl From<StdDuration> for Duration {
    fn from(duration: StdDuration) -> Self {
        Self(duration)
    }
}

impl FromStr for Duration {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let hint = "write a number and a unit, such as 300ms, 20s, 2m or 1h";
        let text = text.trim();
        if text.starts_with('-') {
            return Err(format!("`{text}` is negative: {hint}"));
        }
        if text == "0" {
            return Ok(Self::ZERO);
        }
        let span: jiff::SignedDuration =
            text.parse().map_err(|_| format!("`{text}` is not a duration: {hint}"))?;
        let span = StdDuration::try_from(span).map_err(|_| format!("`{text}` is negative: {hint}"))?;
        if span > LONGEST {
            return Err(format!("`{text}` is longer than 365 days"));
        }
        Ok(Self(span))
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.as_nanos();
        if nanos == 0 {
            return f.write_str("0s");
        }
        let mut rest = nanos;
        for (unit, size) in [
            ("h", 3_600_000_000_000_u128),
            ("m", 60_000_000_000),
            ("s", 1_000_000_000),
            ("ms", 1_000_000),
            ("us", 1_000),
            ("ns", 1),
        ] {
            if rest >= size {
                write!(f, "{}{unit}", rest / size)?;
                rest %= size;
            }
        }
        Ok(())
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Duration {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A length of time with its unit: 300ms, 20s, 2m, 1h 30m.",
            "examples": ["300ms", "20s", "2m"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_print_as_they_are_read() {
        for text in ["300ms", "20s", "2m", "1m30s", "1h", "1us", "0s", "2h5ms"] {
            let read: Duration = text.parse().unwrap();
            assert_eq!(read.to_string(), text);
        }
        assert_eq!("1m 30s".parse::<Duration>().unwrap().std(), StdDuration::from_secs(90));
    }

    #[test]
    fn what_is_no_duration_is_refused_with_a_hint() {
        for text in ["", "300", "-5s", "200 parsecs", "400d", "1e9999s", "NaN"] {
            assert!(text.parse::<Duration>().is_err(), "{text}");
        }
        assert!("200 parsecs".parse::<Duration>().unwrap_err().contains("300ms"));
    }
}

//! Clocks that tell a process another time than it is.

use std::{borrow::Cow, fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{InjectionId, ProcessIdentity};

/// Clocks that go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ClockFamily {
    /// What time it is: `CLOCK_REALTIME` with its coarse and alarm variants, `CLOCK_TAI`, and what `gettimeofday` and `time`
    /// tell.
    Realtime,
    /// How much time has passed: `CLOCK_MONOTONIC` with its raw and coarse variants, `CLOCK_BOOTTIME` with its alarm variant.
    Monotonic,
}

/// How far and which clocks are off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Skew {
    /// Which clocks; all others tell the time.
    pub clocks: Vec<ClockFamily>,
    /// How far ahead they are from the start; behind when negative.
    pub offset: Offset,
    /// How much faster they go, in millionths; slower when negative. More than -1,000,000: they never stand still.
    pub drift_ppm: f64,
}

/// Where a process reads its clocks, and what is put there: all that is needed to take it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClockPatch {
    /// Whose it is. It is written beside the instructions, so that processes forked meanwhile are found by it.
    pub injection: InjectionId,
    /// The address of the instructions, in the unused end of the vDSO.
    pub block: u64,
    /// The address of a number that nobody uses, at the end of the stack, in which told times are counted.
    pub counter: u64,
    /// The functions of the vDSO that begin with a jump to the instructions.
    pub sites: Vec<PatchedSite>,
}

/// A few bytes of a process that are other ones for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PatchedSite {
    /// The address of the first.
    pub address: u64,
    /// What was there.
    pub was: Vec<u8>,
    /// What is there meanwhile; as many.
    pub is: Vec<u8>,
}

/// Whether an injection tells a process the wrong time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClockStatus {
    /// Which process.
    pub identity: ProcessIdentity,
    /// How often it was told the wrong time; none when the injection is not in place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<u64>,
}

/// A length of time ahead or, when negative, behind: `90s`, `+90s`, `-1h 30m`. At most 365 days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Offset(i64);

impl Offset {
    /// In nanoseconds.
    #[must_use]
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Whether it is none at all.
    #[must_use]
    pub const fn is_zero(&self) -> bool {
        self.0 == 0
    }
}

impl FromStr for Offset {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (behind, length) = match text.trim() {
            text if text.starts_with('-') => (true, &text[1..]),
            text => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let hint = "write a sign, a number and a unit, such as -1h or +90s";
        let length: crate::Duration =
            length.parse().map_err(|why: String| match why.ends_with("365 days") {
                true => why,
                false => format!("`{text}` is no offset: {hint}"),
            })?;
        let nanos = i64::try_from(length.std().as_nanos()).expect("it is shorter than 292 years");
        Ok(Self(if behind { -nanos } else { nanos }))
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = crate::Duration::from(std::time::Duration::from_nanos(self.0.unsigned_abs()));
        write!(f, "{}{length}", if self.0 < 0 { "-" } else { "+" })
    }
}

impl Serialize for Offset {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Offset {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Offset {
    fn schema_name() -> Cow<'static, str> {
        "Offset".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A length of time with its sign and unit: -1h, +90s, 1h 30m.",
            "examples": ["-1h", "+90s"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_read_with_either_sign_and_without() {
        for (text, nanos) in [
            ("-1h", -3_600_000_000_000),
            ("+90s", 90_000_000_000),
            ("1ms", 1_000_000),
            ("0", 0),
            ("-1h 30m", -5_400_000_000_000),
        ] {
            let read: Offset = text.parse().unwrap();
            assert_eq!(read.nanos(), nanos, "{text}");
            assert_eq!(read.to_string().parse::<Offset>().unwrap(), read);
        }
        assert_eq!("-1h30m".parse::<Offset>().unwrap().to_string(), "-1h30m");
    }

    #[test]
    fn what_is_no_offset_is_refused_with_a_hint() {
        for text in ["", "-", "3600", "--1h", "+-1h", "1 parsec"] {
            assert!(text.parse::<Offset>().unwrap_err().contains("-1h or +90s"), "{text}");
        }
        assert!("-9000h".parse::<Offset>().unwrap_err().contains("365 days"));
    }
}

//! The length of one interval.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

/// The length of one interval, written `500ms`, `5s`, `1m` or `1h`. Between a millisecond and a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Interval {
    millis: u64,
}

/// An interval that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadInterval(String);

const DAY: u64 = 86_400_000;
const UNITS: [(&str, u64); 4] = [("ms", 1), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)];

impl Interval {
    /// So many seconds, brought into the range allowed.
    pub fn from_seconds(seconds: u64) -> Self {
        Self::from_millis(seconds.saturating_mul(1_000))
    }

    /// So many milliseconds, brought into the range allowed.
    pub fn from_millis(millis: u64) -> Self {
        Self { millis: millis.clamp(1, DAY) }
    }

    /// Length in seconds.
    pub fn seconds(self) -> f64 {
        self.millis as f64 / 1_000.0
    }

    /// How many intervals fit into so many whole seconds; at least one.
    pub(crate) fn per(self, seconds: u64) -> usize {
        usize::try_from((seconds * 1_000 / self.millis).max(1)).unwrap_or(usize::MAX)
    }
}

impl FromStr for Interval {
    type Err = BadInterval;

    fn from_str(text: &str) -> Result<Self, BadInterval> {
        let bad = || BadInterval(text.chars().take(40).collect());
        // "ms" is tried before "m" and "s".
        let (digits, unit) = UNITS
            .iter()
            .find_map(|(unit, millis)| Some((text.strip_suffix(unit)?, *millis)))
            .ok_or_else(bad)?;
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(bad());
        }
        let millis = digits.parse::<u64>().ok().and_then(|count| count.checked_mul(unit)).ok_or_else(bad)?;
        if (1..=DAY).contains(&millis) { Ok(Self { millis }) } else { Err(bad()) }
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, millis) = [UNITS[1], UNITS[2], UNITS[3], UNITS[0]]
            .into_iter()
            .find(|(_, millis)| self.millis.is_multiple_of(*millis))
            .expect("one millisecond divides everything");
        write!(f, "{}{unit}", self.millis / millis)
    }
}

impl From<Interval> for String {
    fn from(interval: Interval) -> Self {
        interval.to_string()
    }
}

impl TryFrom<String> for Interval {
    type Error = BadInterval;

    fn try_from(text: String) -> Result<Self, BadInterval> {
        text.parse()
    }
}

impl fmt::Display for BadInterval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is no interval: write a whole number and ms, s, m or h, such as `5s`, up to a day",
            self.0
        )
    }
}

impl core::error::Error for BadInterval {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_read_and_written() {
        for (text, seconds) in [("5s", 5.0), ("1m", 60.0), ("500ms", 0.5), ("2h", 7200.0)] {
            let interval: Interval = text.parse().unwrap();
            assert_eq!(interval.seconds(), seconds);
            assert_eq!(interval.to_string(), text);
        }
        assert_eq!("60s".parse::<Interval>().unwrap().to_string(), "1m");
    }

    #[test]
    fn nonsense_is_no_interval() {
        for text in ["", "5", "s", "-5s", "+5s", "0s", "1.5s", "5 s", "5x", "25h", "99999999999999999999s"] {
            assert!(text.parse::<Interval>().is_err(), "{text}");
        }
    }
}

//! Amounts of bytes and how fast they flow, as people write them: `64KiB`, `10Mbit/s`.

use std::{borrow::Cow, fmt, str::FromStr, time::Duration};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An amount of bytes, at most 1 PiB. Written with a unit: `512B`, `1kB`, `64KiB`, `1.5MiB`.
///
/// `k`, `M`, `G` are powers of 1000; `Ki`, `Mi`, `Gi` are powers of 1024.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ByteSize(u64);

/// How fast bytes flow: 8 bit/s to 1 Tbit/s. Written `10Mbit/s`, `64KiB/s`, `1.5MB/s`.
///
/// `k`, `M`, `G` are powers of 1000; `Ki`, `Mi`, `Gi` are powers of 1024. `bit` is a bit, `B` a byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteRate(u64);

/// The largest size a document may name, in bytes: 1 PiB.
const LARGEST: u64 = 1 << 50;
/// The slowest and the fastest rate a document may name, in bits per second.
const RATES: std::ops::RangeInclusive<u64> = 8..=1_000_000_000_000;

/// The prefixes of units, largest first.
const PREFIXES: [(&str, u64); 7] = [
    ("Gi", 1 << 30),
    ("G", 1_000_000_000),
    ("Mi", 1 << 20),
    ("M", 1_000_000),
    ("Ki", 1 << 10),
    ("k", 1_000),
    ("", 1),
];

impl ByteSize {
    /// No bytes at all.
    pub const ZERO: Self = Self(0);

    /// That many bytes; `None` above 1 PiB.
    #[must_use]
    pub const fn new(bytes: u64) -> Option<Self> {
        if bytes <= LARGEST { Some(Self(bytes)) } else { None }
    }

    /// In bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

impl ByteRate {
    /// That many bits a second; `None` when it is not between 8 and 10^12.
    #[must_use]
    pub fn bits_per_second(bits: u64) -> Option<Self> {
        RATES.contains(&bits).then_some(Self(bits))
    }

    /// In bits per second.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// How long that many bytes take, to the nanosecond, rounded up; saturates after 584 years.
    #[must_use]
    pub fn time_for(self, bytes: u64) -> Duration {
        let nanos = (u128::from(bytes) * 8_000_000_000).div_ceil(u128::from(self.0));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// How many whole bytes flow in that time, saturating.
    #[must_use]
    pub fn bytes_in(self, time: Duration) -> u64 {
        // A time of centuries times a terabit would overflow.
        let bits = time.as_nanos().saturating_mul(u128::from(self.0));
        u64::try_from(bits / 8_000_000_000).unwrap_or(u64::MAX)
    }
}

impl FromStr for ByteSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a size: write 512B, 64KiB or 1MB");
        let trimmed = text.trim();
        if trimmed == "0" {
            return Ok(Self::ZERO);
        }
        let bytes = amount(trimmed.strip_suffix('B').ok_or_else(wrong)?).ok_or_else(wrong)?;
        whole(bytes)
            .and_then(Self::new)
            .ok_or_else(|| format!("`{text}` is not a whole number of bytes up to 1PiB"))
    }
}

impl FromStr for ByteRate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a rate of bytes: write 10Mbit/s or 64KiB/s");
        let flow = text.trim().strip_suffix("/s").ok_or_else(wrong)?.trim_end();
        let bits = match (flow.strip_suffix("bit"), flow.strip_suffix('B')) {
            (Some(bits), _) => amount(bits),
            (None, Some(bytes)) => amount(bytes).map(|bytes| bytes * 8.0),
            (None, None) => None,
        };
        whole(bits.ok_or_else(wrong)?)
            .and_then(Self::bits_per_second)
            .ok_or_else(|| format!("`{text}` is not a whole number of bits from 8bit/s to 1000Gbit/s"))
    }
}

/// A number with a prefix, such as `1.5Mi`.
fn amount(text: &str) -> Option<f64> {
    let (number, factor) =
        PREFIXES.iter().find_map(|(prefix, factor)| Some((text.strip_suffix(prefix)?, *factor)))?;
    let number = number.trim_end();
    // `f64` would also read `inf`, `NaN`, `1e9` and signs.
    let plain = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    #[expect(clippy::cast_precision_loss, reason = "all factors are small enough to be exact")]
    let factor = factor as f64;
    plain.then_some(number)?.parse::<f64>().ok().map(|number| number * factor)
}

/// The integer that a number is, within what decimals lose in binary.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "checked to lie in range, where every integer is exact"
)]
fn whole(number: f64) -> Option<u64> {
    const EXACT: f64 = (1_u64 << 53) as f64;
    let near = number.round();
    ((0.0..=EXACT).contains(&near) && (number - near).abs() < 1e-6).then_some(near as u64)
}

/// The number with the largest prefix that leaves an integer.
fn with_prefix(number: u64, f: &mut fmt::Formatter<'_>, unit: &str) -> fmt::Result {
    let whole = |(_, factor): &&(&str, u64)| number != 0 && number.is_multiple_of(*factor);
    let (prefix, factor) = PREFIXES.iter().find(whole).unwrap_or(&("", 1));
    write!(f, "{}{prefix}{unit}", number / factor)
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        with_prefix(self.0, f, "B")
    }
}

impl fmt::Display for ByteRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `64KiB/s` is what was written, not `512Kibit/s`.
        let bytes = self.0 / 8;
        let in_bytes = self.0.is_multiple_of(8) && bytes.is_multiple_of(1 << 10);
        if in_bytes && !self.0.is_multiple_of(1_000) {
            with_prefix(bytes, f, "B/s")
        } else {
            with_prefix(self.0, f, "bit/s")
        }
    }
}

macro_rules! as_text {
    ($type:ident, $description:literal, $examples:expr) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "description": $description, "examples": $examples })
            }
        }
    };
}

as_text!(ByteSize, "An amount of bytes with its unit: 512B, 64KiB, 1MB.", ["64KiB", "1MB"]);
as_text!(ByteRate, "How fast bytes flow, with its unit: 10Mbit/s, 64KiB/s.", ["10Mbit/s", "64KiB/s"]);

#[cfg(test)]
mod tests;

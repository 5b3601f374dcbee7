//! How much of a file system is taken, as people write it.

use std::{borrow::Cow, fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use steadfast_model::{ByteSize, Percent, Problems, stress::Volume};

use crate::amounts::part;

/// The least that can be seen: 1 MiB.
const LEAST: u64 = 1 << 20;

/// `90%` of the file system are in use afterwards, or `2GiB` are taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fill {
    /// So much is in use afterwards.
    Share(Percent),
    /// So much is taken.
    Size(ByteSize),
}

impl Fill {
    /// Whether nothing is left.
    pub(super) fn is_all(self) -> bool {
        matches!(self, Self::Share(share) if share == Percent::ALL)
    }

    /// What is to be taken; nothing when so much is in use already.
    pub(super) fn bytes(self, volume: &Volume) -> u64 {
        match self {
            Self::Size(size) => size.bytes(),
            Self::Share(_) if self.is_all() => volume.for_worker_bytes,
            Self::Share(share) => {
                part(share.fraction(), volume.size_bytes).saturating_sub(volume.used_bytes())
            }
        }
    }

    pub(super) fn check(self, problems: &mut Problems) {
        match self {
            Self::Share(share) if share.fraction() <= 0.0 => {
                problems.error(&["fill"], "0% takes nothing", Some("write a share above 0%, such as 90%"));
            }
            Self::Size(size) if size.bytes() < LEAST => {
                problems.error(&["fill"], format!("{size} is less than 1MiB"), Some("write at least 1MiB"));
            }
            _ => {}
        }
    }
}

impl FromStr for Fill {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |_| format!("`{text}` is no amount: write a share such as 90%, or a size such as 2GiB");
        match text.trim().strip_suffix('%') {
            Some(_) => text.parse().map(Self::Share),
            None => text.parse().map(Self::Size).map_err(wrong),
        }
    }
}

impl fmt::Display for Fill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Share(share) => share.fmt(f),
            Self::Size(size) => size.fmt(f),
        }
    }
}

impl Serialize for Fill {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Fill {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Fill {
    fn schema_name() -> Cow<'static, str> {
        "Fill".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A share of a file system, or a size: 90%, 2GiB.",
            "examples": ["90%", "2GiB"]
        })
    }
}

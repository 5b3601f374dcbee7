//! How gRPC calls end.

use std::{borrow::Cow, fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The names of the status codes, in their order: <https://grpc.io/docs/guides/status-codes/>.
const NAMES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// How a gRPC call fails: one of the status codes but `OK`. Written `UNAVAILABLE` or `14`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GrpcCode(u8);

impl GrpcCode {
    /// Its number, 1 to 16.
    #[must_use]
    pub fn number(self) -> u8 {
        self.0
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        NAMES[usize::from(self.0)]
    }
}

impl FromStr for GrpcCode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let named = NAMES.iter().position(|name| name.eq_ignore_ascii_case(text));
        match named.or_else(|| text.parse().ok()) {
            Some(0) => {
                Err("a call that ends with OK has not failed: write UNAVAILABLE or another".to_owned())
            }
            Some(number) if number < NAMES.len() => Ok(Self(u8::try_from(number).unwrap_or_default())),
            _ => Err(format!("`{text}` is no status of gRPC: write one of {}", NAMES[1..].join(", "))),
        }
    }
}

impl fmt::Display for GrpcCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for GrpcCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Both spellings are common.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected the name or the number of a status")]
enum NumberOrName {
    Number(u64),
    Name(String),
}

impl<'de> Deserialize<'de> for GrpcCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = match NumberOrName::deserialize(deserializer)? {
            NumberOrName::Number(number) => number.to_string(),
            NumberOrName::Name(name) => name,
        };
        text.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for GrpcCode {
    fn schema_name() -> Cow<'static, str> {
        "GrpcCode".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "integer"],
            "description": "The name or the number of a gRPC status other than OK.",
            "examples": ["UNAVAILABLE", 14]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_by_name_or_number_and_written_by_name() {
        for text in ["\"UNAVAILABLE\"", "\"unavailable\"", "\"14\"", "14"] {
            let code: GrpcCode = serde_json::from_str(text).unwrap();
            assert_eq!((code.number(), code.name()), (14, "UNAVAILABLE"), "{text}");
            assert_eq!(serde_json::to_string(&code).unwrap(), "\"UNAVAILABLE\"");
        }
        assert_eq!("UNAUTHENTICATED".parse::<GrpcCode>().unwrap().number(), 16);
    }

    #[test]
    fn ok_and_what_is_no_code_are_refused() {
        for text in ["OK", "0", "17", "-1", "", "503", "NOPE"] {
            assert!(text.parse::<GrpcCode>().is_err(), "{text}");
        }
        assert!(serde_json::from_str::<GrpcCode>("1.5").is_err());
    }
}

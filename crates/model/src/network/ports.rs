//! Ports: `5432`, or `8000-8010`.

use std::{borrow::Cow, fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// One port or several in a row, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ports {
    first: u16,
    last: u16,
}

impl Ports {
    /// The lowest.
    #[must_use]
    pub fn first(&self) -> u16 {
        self.first
    }

    /// The highest, itself included.
    #[must_use]
    pub fn last(&self) -> u16 {
        self.last
    }
}

impl FromStr for Ports {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("`{text}` is no port: write 5432, or 8000-8010 for several, each from 1 to 65535");
        let port = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            let port: u16 = if digits { text.parse().map_err(|_| wrong())? } else { return Err(wrong()) };
            if port == 0 { Err(wrong()) } else { Ok(port) }
        };
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let (first, last) = (port(first)?, port(last)?);
        if first > last {
            return Err(format!("`{text}` ends before it begins: write the lower port first"));
        }
        Ok(Self { first, last })
    }
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.first == self.last {
            true => write!(f, "{}", self.first),
            false => write!(f, "{}-{}", self.first, self.last),
        }
    }
}

/// A bare number and a text are both common in YAML.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a port such as 5432, or several such as 8000-8010")]
enum NumberOrText {
    Number(u64),
    Text(String),
}

impl Serialize for Ports {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.first == self.last {
            true => serializer.serialize_u16(self.first),
            false => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for Ports {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = match NumberOrText::deserialize(deserializer)? {
            NumberOrText::Number(number) => number.to_string(),
            NumberOrText::Text(text) => text,
        };
        text.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Ports {
    fn schema_name() -> Cow<'static, str> {
        "Ports".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["integer", "string"],
            "minimum": 1,
            "maximum": 65_535,
            "description": "A port, or several in a row.",
            "examples": [5432, "8000-8010"],
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_port_is_refused() {
        for text in
            ["", "0", "65536", "-1", "1-", "-", "9-8", "1-2-3", "+1", " 1", "0-5", "99999999999999999999"]
        {
            assert!(text.parse::<Ports>().is_err(), "{text}");
        }
        assert!(serde_json::from_str::<Ports>("1.5").is_err());
        assert!(serde_json::from_str::<Ports>("70000").is_err());
    }

    proptest! {
        #[test]
        fn ports_are_read_as_they_are_written(one in 1_u16.., other in 1_u16..) {
            let ports = Ports { first: one.min(other), last: one.max(other) };
            prop_assert_eq!(ports.to_string().parse::<Ports>().unwrap(), ports);
            let json = serde_json::to_string(&ports).unwrap();
            prop_assert_eq!(serde_json::from_str::<Ports>(&json).unwrap(), ports);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC*") {
            if let Ok(ports) = text.parse::<Ports>() {
                prop_assert!(0 < ports.first() && ports.first() <= ports.last());
            }
        }
    }
}

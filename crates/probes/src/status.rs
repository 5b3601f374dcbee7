//! Which HTTP statuses count as accepted.

use std::{borrow::Cow, fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A set of HTTP statuses, written as a list of exact numbers and classes: `[2xx, 404]`. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusSet(Vec<Pattern>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pattern {
    Exact(u16),
    Class(u16),
}

impl StatusSet {
    /// `2xx`.
    #[must_use]
    pub fn success() -> Self {
        Self(vec![Pattern::Class(2)])
    }

    /// Reads patterns such as `2xx` and `404`.
    ///
    /// # Errors
    /// What is wrong with the first pattern that cannot be read, or that there is none.
    pub fn parse<T: AsRef<str>>(patterns: &[T]) -> Result<Self, String> {
        if patterns.is_empty() {
            return Err("no status would be accepted: write [2xx]".to_owned());
        }
        if patterns.len() > 100 {
            return Err("these are more than 100 statuses: use classes such as 2xx".to_owned());
        }
        patterns.iter().map(|pattern| pattern.as_ref().parse()).collect::<Result<_, _>>().map(Self)
    }

    /// Whether this status is in the set.
    #[must_use]
    pub fn contains(&self, status: u16) -> bool {
        self.0.iter().any(|pattern| match *pattern {
            Pattern::Exact(exact) => exact == status,
            Pattern::Class(class) => class == status / 100,
        })
    }
}

impl Default for StatusSet {
    fn default() -> Self {
        Self::success()
    }
}

impl FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("`{text}` is no status: write a number from 100 to 599 or a class such as 2xx");
        let text = text.trim();
        match text.strip_suffix("xx").or_else(|| text.strip_suffix("XX")) {
            Some(class) => match class {
                "1" | "2" | "3" | "4" | "5" => class.parse().map(Self::Class).map_err(|_| wrong()),
                _ => Err(wrong()),
            },
            None => match text.parse() {
                Ok(status @ 100..=599) => Ok(Self::Exact(status)),
                _ => Err(wrong()),
            },
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(status) => write!(f, "{status}"),
            Self::Class(class) => write!(f, "{class}xx"),
        }
    }
}

impl fmt::Display for StatusSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let patterns: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&patterns.join(" or "))
    }
}

impl Serialize for StatusSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(ToString::to_string))
    }
}

/// YAML reads `404` as a number and `2xx` as a text.
#[derive(Deserialize)]
#[serde(untagged)]
enum NumberOrText {
    Number(u64),
    Text(String),
}

impl<'de> Deserialize<'de> for StatusSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let patterns: Vec<String> = Vec::<NumberOrText>::deserialize(deserializer)
            .map_err(|_| de::Error::custom("this is no list of statuses: write [2xx, 404]"))?
            .into_iter()
            .map(|pattern| match pattern {
                NumberOrText::Number(number) => number.to_string(),
                NumberOrText::Text(text) => text,
            })
            .collect();
        Self::parse(&patterns).map_err(de::Error::custom)
    }
}

impl JsonSchema for StatusSet {
    fn schema_name() -> Cow<'static, str> {
        "StatusSet".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "array",
            "minItems": 1,
            "maxItems": 100,
            "description": "HTTP statuses: exact numbers or classes such as 2xx.",
            "items": {
                "anyOf": [
                    { "type": "integer", "minimum": 100, "maximum": 599 },
                    { "type": "string", "pattern": "^([1-5]xx|[1-5][0-9][0-9])$" },
                ],
            },
            "examples": [["2xx", 404]],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_classes_are_read_as_yaml_gives_them() {
        let set: StatusSet = serde_json::from_str(r#"["2xx", 404, "503"]"#).unwrap();
        let accepted: Vec<u16> =
            [199, 200, 299, 300, 404, 500, 503].into_iter().filter(|s| set.contains(*s)).collect();
        assert_eq!(accepted, [200, 299, 404, 503]);
        assert_eq!(serde_json::to_string(&set).unwrap(), r#"["2xx","404","503"]"#);
        assert_eq!(set.to_string(), "2xx or 404 or 503");
    }

    #[test]
    fn what_is_no_status_is_refused_with_a_hint() {
        for text in
            [r"[]", r#"["6xx"]"#, r#"["99"]"#, "[600]", r#"["ok"]"#, r#"["20x"]"#, r#"["xx"]"#, r#""2xx""#]
        {
            let refused = serde_json::from_str::<StatusSet>(text).unwrap_err().to_string();
            assert!(refused.contains("2xx"), "{text}: {refused}");
        }
    }
}

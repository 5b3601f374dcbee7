//! What does not fit, in plain words.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

use crate::problem::{Problem, Severity};
use crate::yaml::{Node, Place, suggest};

use super::find;

/// Why a value could not be read.
#[derive(Debug)]
pub(super) struct Error {
    pub(super) kind: Kind,
    pub(super) message: String,
    pub(super) hint: Option<String>,
    /// What it is about.
    pub(super) node: Option<*const Node>,
    /// What needs a stand-in. Not the same as `node` when a key names no variant.
    pub(super) unfit: Option<*const Node>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A value does not fit.
    Value,
    /// A key does not fit.
    Key,
    /// A key is missing.
    Missing(&'static str),
    /// Not even a stand-in fits: nothing more can be found.
    Hopeless,
}

impl Error {
    pub(super) fn new(kind: Kind, message: impl Into<String>, hint: Option<String>) -> Self {
        Self { kind, message: message.into(), hint, node: None, unfit: None }
    }

    pub(super) fn hopeless(self) -> Self {
        Self { kind: Kind::Hopeless, ..self }
    }

    /// This error, about this node unless it is known to be about another.
    pub(super) fn at(mut self, node: &Node) -> Self {
        self.node.get_or_insert(node);
        self.unfit.get_or_insert(node);
        self
    }

    pub(super) fn problem(&self, top: &Place<'_>) -> Problem {
        let place = self.node.and_then(|node| find(top, node)).unwrap_or_else(|| top.clone());
        let span = match (self.kind, place.key_span) {
            (Kind::Key, Some(key)) => key,
            _ => place.span(),
        };
        Problem {
            severity: Severity::Error,
            path: place.path,
            message: self.message.clone(),
            hint: self.hint.clone(),
            span: Some(span),
        }
    }
}

impl de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        let message = message.to_string();
        match message.split_once(": write ") {
            Some((message, hint)) => Self::new(Kind::Value, message, Some(format!("write {hint}"))),
            None => Self::new(Kind::Value, message, None),
        }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let expected = plain(&expected.to_string());
        let hint = match found {
            Unexpected::Bool(value) if expected == "a text" => Some(format!("quote it: \"{value}\"")),
            Unexpected::Unit if expected == "a map" => Some("write {} for an empty map".to_owned()),
            _ => None,
        };
        Self::new(Kind::Value, format!("expected {expected}, found {}", shown(found)), hint)
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(found, expected)
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::new(
            Kind::Value,
            format!("unknown value `{variant}`"),
            suggest(variant, expected.iter().copied()),
        )
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::new(Kind::Value, format!("unknown key `{field}`"), suggest(field, expected.iter().copied()))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(Kind::Missing(field), format!("`{field}` is missing"), None)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// serde's names for types in words a user would say.
fn plain(expected: &str) -> String {
    let whole = |least: i128, most: i128| format!("a whole number from {least} to {most}");
    match expected {
        "u8" => whole(0, u8::MAX.into()),
        "u16" => whole(0, u16::MAX.into()),
        "u32" => whole(0, u32::MAX.into()),
        "u64" | "usize" => "a whole number, not below zero".to_owned(),
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number".to_owned(),
        "f32" | "f64" => "a number".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a string" | "str" | "string" | "path string" => "a text".to_owned(),
        "a sequence" => "a list".to_owned(),
        "unit" => "nothing".to_owned(),
        other if other.starts_with("struct ") || other.starts_with("a map") => "a map".to_owned(),
        other if other.starts_with("enum ") => "a map with one key".to_owned(),
        other => other.to_owned(),
    }
}

fn shown(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Bool(value) => format!("`{value}`"),
        Unexpected::Unsigned(number) => format!("the number {number}"),
        Unexpected::Signed(number) => format!("the number {number}"),
        Unexpected::Float(number) => format!("the number {number}"),
        Unexpected::Str(text) if text.chars().count() > 60 => "a long text".to_owned(),
        Unexpected::Str(text) => format!("the text `{text}`"),
        Unexpected::Unit | Unexpected::Option => "nothing".to_owned(),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "a map".to_owned(),
        other => other.to_string(),
    }
}

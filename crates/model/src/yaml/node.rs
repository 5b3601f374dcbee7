//! The tree.

use crate::problem::Span;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// What it is.
    pub value: Value,
    /// Where it begins; for maps and lists the rest of their first line.
    pub span: Span,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// One text, number, truth value or nothing.
    Scalar(Scalar),
    /// Values in order.
    List(Vec<Node>),
    /// Values by key, in the order written. No key comes twice.
    Map(Vec<Entry>),
}

/// A key, its value, and where the key stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub key_span: Span,
    /// Its value.
    pub value: Node,
}

/// A scalar as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scalar {
    /// Its text, without quotes.
    pub text: String,
    /// Whether it stood without quotes, so that it may be something else than a text.
    pub plain: bool,
    /// Whether it was put in for a parameter: then it is also something else when that is what is wanted.
    pub put_in: bool,
}

/// What a scalar stands for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Typed<'a> {
    /// Nothing: `null`, `~` or nothing at all.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Unsigned(u64),
    /// A whole number below zero.
    Signed(i64),
    /// Any other number, also one that is not finite.
    Float(f64),
    /// Everything else.
    Text(&'a str),
}

impl Scalar {
    /// What it stands for by the core schema of YAML 1.2 (section 10.3.2), except that numbers with leading zeros stay
    /// texts: `0755` means different numbers to different readers.
    #[must_use]
    pub fn typed(&self) -> Typed<'_> {
        if self.plain { self.wanted() } else { Typed::Text(&self.text) }
    }

    /// What it stands for where no text is wanted.
    pub(super) fn wanted(&self) -> Typed<'_> {
        let text = self.text.as_str();
        if !self.plain && !self.put_in {
            return Typed::Text(text);
        }
        match text {
            "" | "~" | "null" | "Null" | "NULL" => return Typed::Null,
            "true" | "True" | "TRUE" => return Typed::Bool(true),
            "false" | "False" | "FALSE" => return Typed::Bool(false),
            ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Typed::Float(f64::INFINITY),
            "-.inf" | "-.Inf" | "-.INF" => return Typed::Float(f64::NEG_INFINITY),
            ".nan" | ".NaN" | ".NAN" => return Typed::Float(f64::NAN),
            _ => {}
        }
        number(text).unwrap_or(Typed::Text(text))
    }
}

fn number(text: &str) -> Option<Typed<'static>> {
    if let Some(digits) = text.strip_prefix("0x") {
        let valid = digits.bytes().all(|b| b.is_ascii_hexdigit());
        return valid.then(|| u64::from_str_radix(digits, 16).ok().map(Typed::Unsigned))?;
    }
    if let Some(digits) = text.strip_prefix("0o") {
        let valid = digits.bytes().all(|b| b.is_ascii_digit());
        return valid.then(|| u64::from_str_radix(digits, 8).ok().map(Typed::Unsigned))?;
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let whole = unsigned.bytes().take_while(u8::is_ascii_digit).count();
    let (integer, rest) = unsigned.split_at(whole);
    if integer.len() > 1 && integer.starts_with('0') {
        return None;
    }
    if rest.is_empty() && !integer.is_empty() {
        return match text.starts_with('-') {
            true => text.parse().map(Typed::Signed).ok(),
            false => integer.parse().map(Typed::Unsigned).ok(),
        }
        .or_else(|| text.parse().ok().map(Typed::Float));
    }
    let (fraction, exponent) = match rest.find(['e', 'E']) {
        Some(at) => (&rest[..at], Some(&rest[at + 1..])),
        None => (rest, None),
    };
    let digits = fraction.strip_prefix('.');
    let fraction_fits = match digits {
        Some(digits) => {
            digits.bytes().all(|b| b.is_ascii_digit()) && (!integer.is_empty() || !digits.is_empty())
        }
        None => fraction.is_empty() && !integer.is_empty(),
    };
    let exponent_fits = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
    });
    (fraction_fits && exponent_fits).then(|| text.parse().ok().map(Typed::Float))?
}

impl Node {
    /// The value of a key, when this is a map that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// A key with its value, when this is a map that has it.
    #[must_use]
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|entry| entry.key == key),
            _ => None,
        }
    }

    /// Its text, when it is a scalar that stands for one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(scalar) => match scalar.typed() {
                Typed::Text(text) => Some(text),
                _ => None,
            },
            _ => None,
        }
    }

    /// As JSON. Numbers JSON cannot write stay texts.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match &self.value {
            Value::Scalar(scalar) => match scalar.typed() {
                Typed::Null => Json::Null,
                Typed::Bool(value) => value.into(),
                Typed::Unsigned(value) => value.into(),
                Typed::Signed(value) => value.into(),
                Typed::Float(value) if value.is_finite() => value.into(),
                Typed::Float(_) => scalar.text.clone().into(),
                Typed::Text(text) => text.into(),
            },
            Value::List(items) => Json::Array(items.iter().map(Self::to_json).collect()),
            Value::Map(entries) => {
                Json::Object(entries.iter().map(|e| (e.key.clone(), e.value.to_json())).collect())
            }
        }
    }
}

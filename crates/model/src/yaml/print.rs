//! A value as YAML that reads back the same.

use serde_json::Value;

use super::{Scalar, Typed};

/// Writes a value in block style. Reading it gives the same value.
#[must_use]
pub fn print(value: &Value) -> String {
    let mut out = String::new();
    match value {
        Value::Object(map) if !map.is_empty() => block(&mut out, value, 0),
        Value::Array(list) if !list.is_empty() => block(&mut out, value, 0),
        other => {
            out.push_str(&scalar(other));
            out.push('\n');
        }
    }
    out
}

/// A map or a list that is not empty, each line indented.
fn block(out: &mut String, value: &Value, indent: usize) {
    let margin = " ".repeat(indent);
    match value {
        Value::Object(map) => {
            for (position, (key, value)) in map.iter().enumerate() {
                // The first line stands where the caller is already.
                if position > 0 || out.is_empty() || out.ends_with('\n') {
                    out.push_str(&margin);
                }
                out.push_str(&text(key));
                out.push(':');
                nested(out, value, indent + 2);
            }
        }
        Value::Array(items) => {
            for value in items {
                out.push_str(&margin);
                out.push('-');
                match value {
                    Value::Object(map) if !map.is_empty() => {
                        out.push(' ');
                        block(out, value, indent + 2);
                    }
                    value => nested(out, value, indent + 2),
                }
            }
        }
        _ => {}
    }
}

/// What stands after `key:` or `-`.
fn nested(out: &mut String, value: &Value, indent: usize) {
    let empty = match value {
        Value::Object(map) => map.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => true,
    };
    if empty {
        out.push(' ');
        out.push_str(&scalar(value));
        out.push('\n');
    } else {
        out.push('\n');
        block(out, value, indent);
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(string) => text(string),
        Value::Object(_) => "{}".to_owned(),
        Value::Array(_) => "[]".to_owned(),
        other => other.to_string(),
    }
}

/// Without quotes where every reader of YAML sees a text, else in double quotes.
fn text(text: &str) -> String {
    let scalar = Scalar { text: text.to_owned(), plain: true, put_in: false };
    let mut characters = text.chars();
    let plain = characters.next().is_some_and(|c| c.is_ascii_alphanumeric() || c == '/')
        && characters.all(|c| c.is_ascii_alphanumeric() || "/_-.%".contains(c))
        && matches!(scalar.typed(), Typed::Text(_))
        && !old_boolean(text)
        && !looks_like_number(text);
    if plain {
        return text.to_owned();
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control()
                || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}') =>
            {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn old_boolean(text: &str) -> bool {
    matches!(text.to_ascii_lowercase().as_str(), "y" | "n" | "yes" | "no" | "on" | "off")
}

/// Numbers to older readers: leading zeros, underscores, dates.
fn looks_like_number(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit() || b"_-.eExXoO".contains(&b))
}

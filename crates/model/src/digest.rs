//! Canonical JSON (RFC 8785) and its SHA-256, for anything that must be recognised later.

use serde_json::Value;
use sha2::{Digest, Sha256};

/// SHA-256 of the canonical form, in lower-case hexadecimal.
#[must_use]
pub fn of_json(value: &Value) -> String {
    of_bytes(canonical(value).as_bytes())
}

/// SHA-256 of the bytes, in lower-case hexadecimal.
#[must_use]
pub fn of_bytes(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The canonical form: no white space, keys sorted by UTF-16 code units (RFC 8785, section 3.2.3).
#[must_use]
pub fn canonical(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort_by(|a, b| a.encode_utf16().cmp(b.encode_utf16()));
            out.push('{');
            for (index, key) in keys.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(&Value::String(key.clone()), out);
                out.push(':');
                write(&map[key], out);
            }
            out.push('}');
        }
        Value::Number(number) => out.push_str(&canonical_number(number)),
        scalar => out.push_str(&scalar.to_string()),
    }
}

/// Whole numbers as they are; others as the shortest digits that read back the same.
fn canonical_number(number: &serde_json::Number) -> String {
    match number.as_f64() {
        Some(float) if !number.is_i64() && !number.is_u64() && float.fract() == 0.0 && float.abs() < 1e21 => {
            format!("{float:.0}")
        }
        _ => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_of_keys_and_spelling_of_numbers_do_not_matter() {
        let a: Value = serde_json::from_str(r#"{"b":1.0,"a":[true,null,"é"]}"#).unwrap();
        let b: Value = serde_json::from_str(r#"{ "a": [true, null, "\u00e9"], "b": 1 }"#).unwrap();
        assert_eq!(canonical(&a), r#"{"a":[true,null,"é"],"b":1}"#);
        assert_eq!(of_json(&a), of_json(&b));
    }
}

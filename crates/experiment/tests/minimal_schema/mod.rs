//! The part of JSON Schema that our schemas use. An unknown keyword is an error, so that nothing is skipped unnoticed.

use serde_json::Value;

/// Everything that does not fit.
pub(crate) fn check(schema: &Value, document: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    visit(schema, schema, document, "$", &mut wrong);
    wrong
}

fn visit(root: &Value, schema: &Value, value: &Value, at: &str, wrong: &mut Vec<String>) {
    let Some(keywords) = schema.as_object() else {
        if schema == &Value::Bool(false) {
            wrong.push(format!("{at}: nothing is allowed here"));
        }
        return;
    };
    for (keyword, argument) in keywords {
        let fits = match keyword.as_str() {
            "$schema"
            | "title"
            | "description"
            | "default"
            | "examples"
            | "format"
            | "$defs"
            | "required"
            | "additionalProperties" => true,
            "pattern" => value.as_str().is_none_or(|text| matches(argument.as_str().unwrap(), text)),
            "$ref" => {
                let name = argument.as_str().unwrap().strip_prefix("#/$defs/").unwrap();
                visit(root, &root["$defs"][name], value, at, wrong);
                assert!(root["$defs"].get(name).is_some(), "{name}");
                true
            }
            "type" => match argument {
                Value::String(kind) => is(kind, value),
                kinds => kinds.as_array().unwrap().iter().any(|kind| is(kind.as_str().unwrap(), value)),
            },
            "const" => argument == value,
            "enum" => argument.as_array().unwrap().contains(value),
            "properties" => {
                for (key, inner) in value.as_object().into_iter().flatten() {
                    if let Some(property) = argument.get(key) {
                        visit(root, property, inner, &format!("{at}.{key}"), wrong);
                    }
                }
                true
            }
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    visit(root, argument, item, &format!("{at}[{index}]"), wrong);
                }
                true
            }
            "anyOf" => fitting(root, argument, value) >= 1,
            "oneOf" => fitting(root, argument, value) == 1,
            "minItems" => {
                value.as_array().is_none_or(|items| items.len() as u64 >= argument.as_u64().unwrap())
            }
            "maxItems" => {
                value.as_array().is_none_or(|items| items.len() as u64 <= argument.as_u64().unwrap())
            }
            "maxLength" => value.as_str().is_none_or(|text| text.len() as u64 <= argument.as_u64().unwrap()),
            "minimum" => value.as_f64().is_none_or(|number| number >= argument.as_f64().unwrap()),
            "maximum" => value.as_f64().is_none_or(|number| number <= argument.as_f64().unwrap()),
            "exclusiveMinimum" => value.as_f64().is_none_or(|number| number > argument.as_f64().unwrap()),
            "exclusiveMaximum" => value.as_f64().is_none_or(|number| number < argument.as_f64().unwrap()),
            other => panic!("the keyword {other} is not known here"),
        };
        if !fits {
            wrong.push(format!("{at}: {keyword} {argument} does not fit {value}"));
        }
    }
    let Some(map) = value.as_object() else { return };
    for key in keywords.get("required").and_then(Value::as_array).into_iter().flatten() {
        if !map.contains_key(key.as_str().unwrap()) {
            wrong.push(format!("{at}: {key} is missing"));
        }
    }
    let known = keywords.get("properties").and_then(Value::as_object);
    if let Some(additional) = keywords.get("additionalProperties") {
        for (key, inner) in map.iter().filter(|(key, _)| known.is_none_or(|known| !known.contains_key(*key)))
        {
            visit(root, additional, inner, &format!("{at}.{key}"), wrong);
        }
    }
}

fn fitting(root: &Value, variants: &Value, value: &Value) -> usize {
    let fits = |variant: &&Value| {
        let mut wrong = Vec::new();
        visit(root, variant, value, "", &mut wrong);
        wrong.is_empty()
    };
    variants.as_array().unwrap().iter().filter(fits).count()
}

fn is(kind: &str, value: &Value) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{other}"),
    }
}

/// The patterns our schemas have, by hand: there is no regular expression engine here.
fn matches(pattern: &str, text: &str) -> bool {
    let parameter = text.contains("${");
    let label = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    match pattern {
        r"^\$\{[^}]+\}$" => parameter && text.ends_with('}'),
        r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$|\$\{" => parameter || text.bytes().all(label),
        r"^ *[0-9.]+ *%? *$|\$\{" => parameter || text.trim_end_matches(['%', ' ']).parse::<f64>().is_ok(),
        "^([1-5]xx|[1-5][0-9][0-9])$" => text.len() == 3,
        other => panic!("the pattern {other} is not known here"),
    }
}

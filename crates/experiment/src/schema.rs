//! JSON Schema, so that editors complete and check documents while they are written.

use schemars::generate::SchemaSettings;
use serde_json::{Value, json};
use steadfast_model::{API_VERSION, binding::Binding};

use crate::{Experiment, Metadata, binding, document};

/// The schema of an Experiment, in the dialect of 2020-12.
#[must_use]
pub fn schema() -> Value {
    let mut schema =
        SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Experiment>().to_value();
    schema["properties"]["apiVersion"] = json!({ "const": API_VERSION });
    schema["properties"]["kind"] = json!({ "const": document::KIND });
    accept_parameters(&mut schema);
    schema
}

/// Where a number or a truth value is wanted, a parameter may stand.
fn accept_parameters(schema: &mut Value) {
    match schema {
        Value::Array(schemas) => schemas.iter_mut().for_each(accept_parameters),
        Value::Object(keywords) => {
            for (keyword, inner) in keywords.iter_mut() {
                if !["const", "enum", "default", "examples"].contains(&keyword.as_str()) {
                    accept_parameters(inner);
                }
            }
            let kinds: Vec<&str> = match keywords.get("type") {
                Some(Value::String(kind)) => vec![kind],
                Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
                _ => return,
            };
            let number = kinds.iter().any(|kind| ["integer", "number", "boolean"].contains(kind));
            if number && !kinds.contains(&"string") {
                let description = keywords.shift_remove("description");
                let parameter = json!({ "type": "string", "pattern": "^\\$\\{[^}]+\\}$" });
                let plain = std::mem::take(schema);
                *schema = json!({ "anyOf": [plain, parameter] });
                if let Some(description) = description {
                    schema["description"] = description;
                }
            }
        }
        _ => {}
    }
}

/// The schema of a Binding.
#[must_use]
pub fn binding_schema() -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let metadata = generator.subschema_for::<Metadata>();
    let spec = generator.subschema_for::<Binding>();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": binding::KIND,
        "description": "What the names in documents stand for on one machine.",
        "type": "object",
        "properties": {
            "apiVersion": { "const": API_VERSION },
            "kind": { "const": binding::KIND },
            "metadata": metadata,
            "spec": spec,
        },
        "required": ["apiVersion", "kind", "spec"],
        "additionalProperties": false,
        "$defs": generator.take_definitions(true),
    })
}

//! JSON Schema of unions in which probes have keys of ours beside their own.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};
use steadfast_probes::ProbeSpec;

use super::SteadyState;
use crate::{Guard, MetricGuard, ToleranceSpec};

impl JsonSchema for SteadyState {
    fn schema_name() -> Cow<'static, str> {
        "SteadyState".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let tolerance = generator.subschema_for::<ToleranceSpec>();
        let slo = json!({
            "type": "object",
            "description": "An SLO, by its name or written out as an OpenSLO document.",
            "properties": {
                "ref": { "type": "string", "description": "The name of an SLO among the given OpenSLO documents." },
                "tolerance": tolerance,
                "apiVersion": { "const": "openslo/v1" },
                "kind": { "const": "SLO" },
                "metadata": { "type": "object", "required": ["name"] },
                "spec": { "type": "object" },
            },
            "additionalProperties": false,
            "oneOf": [{ "required": ["ref"] }, { "required": ["metadata", "spec"] }],
        });
        let ours = json!({ "name": label(), "tolerance": tolerance });
        let mut variants = vec![variant("slo", slo)];
        variants.extend(probes(generator, &[], &ours, &["name", "tolerance"]));
        json_schema!({ "description": "What must hold while a fault is in place: a map with one key.", "oneOf": variants })
    }
}

impl JsonSchema for Guard {
    fn schema_name() -> Cow<'static, str> {
        "Guard".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let metric = generator.subschema_for::<MetricGuard>();
        let failures = json!({
            "type": "integer", "minimum": 1, "maximum": 1000, "default": 3,
            "description": "This many bad looks, one after the other, end the run.",
        });
        let ours = json!({ "name": label(), "failures": failures });
        let mut variants = vec![variant("metric", json!(metric))];
        variants.extend(probes(generator, &["http"], &ours, &["name"]));
        json_schema!({ "description": "What ends a run early: a map with one key.", "oneOf": variants })
    }
}

fn label() -> Value {
    json!({
        "type": "string",
        "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$|\\$\\{",
        "maxLength": 63,
        "description": "Its name in charts, reports and guards: lower-case letters, digits and `-`.",
    })
}

fn variant(key: &str, body: Value) -> Value {
    json!({ "type": "object", "properties": { key: body }, "required": [key], "additionalProperties": false })
}

/// The probes (all of them when `only` is empty), each with properties of ours.
fn probes(generator: &mut SchemaGenerator, only: &[&str], ours: &Value, required: &[&str]) -> Vec<Value> {
    let union = ProbeSpec::json_schema(generator).to_value();
    let variants = union["oneOf"].as_array().cloned().unwrap_or_default();
    let mut out = Vec::new();
    for mut found in variants {
        let Some(Value::Object(properties)) = found.get_mut("properties") else { continue };
        for (kind, body) in properties.iter_mut() {
            if only.is_empty() || only.contains(&kind.as_str()) {
                *body = Value::Object(extended(generator, body, ours, required));
            }
        }
        if only.is_empty() || properties.keys().any(|kind| only.contains(&kind.as_str())) {
            out.push(found);
        }
    }
    out
}

/// The object schema behind a reference, with more properties.
fn extended(
    generator: &SchemaGenerator,
    body: &Value,
    ours: &Value,
    required: &[&str],
) -> Map<String, Value> {
    let target = body["$ref"].as_str().and_then(|path| path.rsplit('/').next());
    let mut object = match target.and_then(|name| generator.definitions().get(name)) {
        Some(Value::Object(definition)) => definition.clone(),
        _ => body.as_object().cloned().unwrap_or_default(),
    };
    let properties = object.entry("properties").or_insert_with(|| json!({}));
    if let (Value::Object(properties), Value::Object(ours)) = (properties, ours) {
        let theirs = std::mem::replace(properties, ours.clone());
        properties.extend(theirs);
    }
    let needed = object.entry("required").or_insert_with(|| json!([]));
    if let Value::Array(needed) = needed {
        needed.extend(required.iter().map(|key| Value::from(*key)));
    }
    object
}

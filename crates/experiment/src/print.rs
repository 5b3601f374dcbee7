//! An experiment as text.

use serde_json::Value;
use steadfast_model::yaml;

use crate::Experiment;

/// YAML that reads back as the same experiment. Parameters are printed with the values they have.
#[must_use]
pub fn print(experiment: &Experiment) -> String {
    let mut document =
        serde_json::to_value(experiment).expect("an experiment has text keys and finite numbers");
    let parameters = document["spec"]["parameters"].take();
    escape(&mut document);
    match (parameters, &mut document["spec"]) {
        (Value::Null, Value::Object(spec)) => {
            spec.shift_remove("parameters");
        }
        (parameters, spec) => spec["parameters"] = parameters,
    }
    yaml::print(&document)
}

/// What looks like a parameter in a value is none any more: parameters have been put in.
fn escape(value: &mut Value) {
    match value {
        Value::String(text) if text.contains("${") => *text = text.replace("${", "$${"),
        Value::Array(items) => items.iter_mut().for_each(escape),
        Value::Object(map) => map.values_mut().for_each(escape),
        _ => {}
    }
}

//! `${name}` and `${env.NAME}` in the values of a document.
//!
//! A text is replaced where it stands, so that problems still point at it. A value that is nothing but `${name}` takes
//! the kind of what it is replaced with: a number where a number is wanted. `$${` stands for `${`.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value as Json;
use steadfast_model::{
    Problem, Problems,
    problem::{Severity, Span},
    yaml::{Node, Place, Scalar, Typed, Value, suggest},
};

use crate::name;

mod replace;

pub(crate) use replace::replace;

/// The longest value of a parameter, in bytes.
pub const LONGEST_VALUE: usize = 4_096;

/// What `--set` gives and how the environment is asked.
pub(crate) struct Given<'a> {
    pub(crate) set: &'a BTreeMap<String, String>,
    pub(crate) environment: &'a dyn Fn(&str) -> Option<String>,
}

/// The values a document may use, and which it did.
#[derive(Debug, Default)]
pub(crate) struct Values {
    /// By the name in the braces.
    values: BTreeMap<String, Scalar>,
    /// Names that exist but have no value; that was reported where they are declared.
    empty: BTreeSet<String>,
    used: BTreeSet<String>,
    /// Where a value could not be put in: whatever else is wrong there follows from that.
    unfilled: Vec<Span>,
}

impl Values {
    /// Reads `spec.parameters` and `spec.environment`, and what was given for them.
    pub(crate) fn declared(top: &Place<'_>, given: &Given<'_>, problems: &mut Problems) -> Self {
        let mut values = Self::default();
        let spec = top.get("spec");
        let parameters = spec.as_ref().and_then(|spec| spec.get("parameters"));
        let mut names = Vec::new();
        for (entry, place) in parameters.iter().flat_map(Place::entries) {
            names.push(entry.key.as_str());
            values.parameter(&entry.key, &place, given, problems);
        }
        for name in given.set.keys().filter(|name| !names.contains(&name.as_str())) {
            let hint =
                suggest(name, names.iter().copied()).unwrap_or_else(|| "it has no parameters".to_owned());
            problems.error(&["spec", "parameters"], format!("--set {name}: no such parameter"), Some(&hint));
        }
        let environment = spec.as_ref().and_then(|spec| spec.get("environment"));
        for place in environment.iter().flat_map(Place::items) {
            values.variable(&place, given, problems);
        }
        values
    }

    fn parameter(&mut self, name: &str, place: &Place<'_>, given: &Given<'_>, problems: &mut Problems) {
        if !name::is_identifier(name, true) {
            let hint = "use letters, digits, `_` and `-`, at most 63, beginning with a letter";
            problems
                .push(place.problem(format!("`{name}` is no name for a parameter"), Some(hint.to_owned())));
        }
        let default = match &place.node.value {
            Value::Scalar(scalar) if scalar.typed() == Typed::Null => None,
            Value::Scalar(scalar) => Some(scalar.clone()),
            _ => {
                problems.push(place.problem("a parameter is one value, not a list or a map", None));
                self.empty.insert(name.to_owned());
                return;
            }
        };
        let set = given.set.get(name).map(|text| Scalar {
            text: text.clone(),
            plain: !text.is_empty(),
            put_in: false,
        });
        let Some(value) = set.or(default) else {
            let hint = format!("give one with --set {name}=…");
            problems.push(place.problem(format!("the parameter `{name}` has no value"), Some(hint)));
            self.empty.insert(name.to_owned());
            return;
        };
        self.add(name.to_owned(), value, place, problems);
    }

    fn variable(&mut self, place: &Place<'_>, given: &Given<'_>, problems: &mut Problems) {
        let Some(name) = place.node.as_text().filter(|name| name::is_identifier(name, false)) else {
            problems.push(place.problem("this is no name of an environment variable", None));
            return;
        };
        let key = format!("env.{name}");
        match (given.environment)(name) {
            Some(text) => {
                self.add(key, Scalar { plain: !text.is_empty(), text, put_in: false }, place, problems)
            }
            None => {
                let message = format!("the environment variable `{name}` is not set");
                problems.push(
                    place.problem(message, Some(format!("export {name}=…, or take it out of the list"))),
                );
                self.empty.insert(key);
            }
        }
    }

    fn add(&mut self, name: String, value: Scalar, place: &Place<'_>, problems: &mut Problems) {
        let control = value.text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t'));
        if value.text.len() > LONGEST_VALUE || control {
            let message = format!(
                "the value of `{name}` is longer than {LONGEST_VALUE} bytes or has control characters"
            );
            problems.push(place.problem(message, None));
            self.empty.insert(name);
            return;
        }
        self.values.insert(name, value);
    }

    /// The values of the parameters, as texts, for the record. The environment's are not among them.
    pub(crate) fn texts(&self) -> BTreeMap<String, String> {
        self.parameters().map(|(name, value)| (name.clone(), value.text.clone())).collect()
    }

    /// The values of the parameters, with their kinds.
    pub(crate) fn json(&self) -> BTreeMap<String, Json> {
        let json = |value: &Scalar| {
            let node = Node { value: Value::Scalar(value.clone()), span: NOWHERE };
            node.to_json()
        };
        self.parameters().map(|(name, value)| (name.clone(), json(value))).collect()
    }

    /// Warns of what was declared and never used.
    pub(crate) fn warn_of_unused(&self, top: &Place<'_>, problems: &mut Problems) {
        let Some(spec) = top.get("spec") else { return };
        let parameters = spec.get("parameters");
        for (entry, place) in parameters.iter().flat_map(Place::entries) {
            if !self.used.contains(&entry.key) {
                let mut problem = place.problem(format!("the parameter `{}` is never used", entry.key), None);
                problem.span = Some(entry.key_span);
                problem.severity = Severity::Warning;
                problems.push(problem);
            }
        }
        let environment = spec.get("environment");
        for place in environment.iter().flat_map(Place::items) {
            let name = place.node.as_text().unwrap_or("");
            if !self.used.contains(&format!("env.{name}")) {
                let mut problem = place.problem(format!("`${{env.{name}}}` is never used"), None);
                problem.severity = Severity::Warning;
                problems.push(problem);
            }
        }
    }

    /// Whether a problem is about a value that could not be put in, which was reported by itself.
    pub(crate) fn explain(&self, problem: &Problem) -> bool {
        problem.span.is_some_and(|span| self.unfilled.contains(&span))
    }

    fn parameters(&self) -> impl Iterator<Item = (&String, &Scalar)> {
        self.values.iter().filter(|(name, _)| !name.starts_with("env."))
    }
}

const NOWHERE: steadfast_model::problem::Span =
    steadfast_model::problem::Span { line: 1, column: 1, length: 0 };

/// The schema of a parameter's default.
pub(crate) struct ParameterSchema;

impl JsonSchema for ParameterSchema {
    fn schema_name() -> Cow<'static, str> {
        "Parameter".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "number", "boolean", "null"],
            "description": "The value unless another is given with --set; null: one must be given.",
        })
    }
}

//! The Policy document.

use schemars::{JsonSchema, generate::SchemaSettings};
use serde::{Deserialize, Serialize, de::IgnoredAny};
use serde_json::{Value, json};
use steadfast_faults::FAULTS;
use steadfast_model::{
    API_VERSION, Duration, Problems,
    problem::{Path, Span},
    yaml::{self, Node, Place, decode_most, suggest},
};

use super::Selector;

/// `kind` of this document.
pub const KIND: &str = "Policy";

/// Limits for every fault on one machine. What is left out is not limited.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Policy {
    /// The longest that a fault may last by its document. The 5 s of grace until its hard deadline come on top.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longest_fault: Option<Duration>,
    /// Injections that may be live at once, in one state directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most_faults: Option<u32>,
    /// Targets that all live injections of one state directory may have together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most_targets: Option<u32>,
    /// Which faults, by name.
    #[serde(default)]
    pub faults: Allowance,
    /// Which targets.
    #[serde(default)]
    pub targets: Scope,
}

/// Faults by name: `processKill`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Allowance {
    /// Only these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow: Option<Vec<String>>,
    /// Not these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forbid: Vec<String>,
}

/// Targets by what they are.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Scope {
    /// Only what one of these describes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow: Option<Vec<Selector>>,
    /// Not what one of these describes, or might describe.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forbid: Vec<Selector>,
}

/// Limits for every fault on one machine.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Policy")]
struct Document {
    #[serde(rename = "apiVersion")]
    #[schemars(with = "String")]
    _api_version: IgnoredAny,
    #[serde(rename = "kind")]
    #[schemars(with = "String")]
    _kind: IgnoredAny,
    /// The limits.
    spec: Policy,
}

/// Reads a policy.
///
/// # Errors
/// Everything that is wrong, in the order of the text.
pub fn read(source: &str) -> Result<Policy, Problems> {
    let tree = only_document(source)?;
    let top = Place::top(&tree);
    let mut problems = Problems::new();
    check_envelope(&top, &mut problems);
    let document: Option<Document> = decode_most(&top, &mut problems);
    if let Some(document) = &document {
        check(&document.spec, &Path::default().key("spec"), &mut problems);
    }
    top.locate(&mut problems);
    problems.sort();
    match document {
        Some(document) if !problems.has_errors() => Ok(document.spec),
        _ => Err(problems),
    }
}

fn only_document(source: &str) -> Result<Node, Problems> {
    let mut documents = yaml::parse(source)?;
    let mut problems = Problems::new();
    match (documents.pop(), documents.is_empty()) {
        (Some(document), true) => return Ok(document),
        (Some(second), false) => {
            let hint = "write all limits into one document".to_owned();
            problems.push(
                Place::top(&second).problem("a file holds one Policy, this is another document", Some(hint)),
            );
        }
        (None, _) => {
            let hint = format!(
                "it begins with apiVersion: {API_VERSION} and kind: {KIND}; remove the file for no limits"
            );
            problems.error(&[], "the document is empty", Some(&hint));
            if let Some(first) = problems.all_mut().first_mut() {
                first.span = Some(Span { line: 1, column: 1, length: 1 });
            }
        }
    }
    Err(problems)
}

fn check_envelope(top: &Place<'_>, problems: &mut Problems) {
    for (key, wanted) in [("apiVersion", API_VERSION), ("kind", KIND)] {
        // What is missing is found when it is decoded.
        let Some(place) = top.get(key) else { continue };
        let found = place.node.as_text().unwrap_or_default();
        if found != wanted {
            problems.push(
                place.problem(format!("expected {key} {wanted}, found `{found}`"), suggest(found, [wanted])),
            );
        }
    }
}

/// Notes what cannot be meant, with paths below `at`.
fn check(policy: &Policy, at: &Path, problems: &mut Problems) {
    problems.below(at.clone(), |problems| check_numbers(policy, problems));
    let faults = &policy.faults;
    for (key, names) in [("allow", faults.allow.as_deref().unwrap_or_default()), ("forbid", &faults.forbid)] {
        let at = at.key("faults").key(key);
        for (index, name) in names.iter().enumerate() {
            problems.below(at.index(index), |problems| check_name(name, problems));
        }
    }
    let targets = &policy.targets;
    for (key, selectors) in
        [("allow", targets.allow.as_deref().unwrap_or_default()), ("forbid", &targets.forbid)]
    {
        let at = at.key("targets").key(key);
        for (index, selector) in selectors.iter().enumerate() {
            problems.below(at.index(index), |problems| selector.check(problems));
        }
    }
}

fn check_numbers(policy: &Policy, problems: &mut Problems) {
    let hint = Some("to forbid every fault, write faults: { allow: [] }");
    if policy.longest_fault == Some(Duration::ZERO) {
        problems.error(&["longestFault"], "no fault lasts no time", hint);
    }
    for (key, most) in [("mostFaults", policy.most_faults), ("mostTargets", policy.most_targets)] {
        if most == Some(0) {
            problems.error(&[key], "this forbids every fault", hint);
        }
    }
}

fn check_name(name: &str, problems: &mut Problems) {
    let known = || FAULTS.iter().map(|fault| fault.kind);
    if !known().any(|known| known == name) {
        let hint = suggest(name, known()).unwrap_or_else(|| "see `steadfast fault list`".to_owned());
        problems.error(&[], format!("there is no fault `{name}`"), Some(&hint));
    }
}

/// The schema of a Policy, in the dialect of 2020-12.
#[must_use]
pub fn schema() -> Value {
    let mut schema =
        SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Document>().to_value();
    schema["properties"]["apiVersion"] = json!({ "const": API_VERSION });
    schema["properties"]["kind"] = json!({ "const": KIND });
    schema
}

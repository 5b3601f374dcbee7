//! Text to a checked experiment.

use std::collections::BTreeMap;

use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value as Json;
use steadfast_model::{
    API_VERSION, Problems, digest,
    yaml::{self, Node, Place, decode_most},
};

use crate::{
    Confidence, Expectation, Experiment, Guard, LoadEntry, Metadata, MethodStep, Spec, SteadyState, Windows,
    check, document, envelope,
    parameters::{Given, Values, replace},
};

/// What reading depends on besides the text.
pub struct ReadOptions<'a> {
    /// Values for parameters, from `--set name=value`.
    pub set: BTreeMap<String, String>,
    /// Looks up an environment variable. Only those the document declares are asked for.
    pub environment: &'a dyn Fn(&str) -> Option<String>,
}

impl Default for ReadOptions<'_> {
    fn default() -> Self {
        Self { set: BTreeMap::new(), environment: &|_| None }
    }
}

/// An experiment without errors.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The experiment, with defaults and the values of its parameters.
    pub experiment: Experiment,
    /// What works but is probably not meant.
    pub warnings: Problems,
    /// The document with its parameters' values put in, but without defaults.
    pub document: Json,
    /// SHA-256 of the canonical form of `document`.
    pub digest: String,
    /// The values of the parameters.
    pub parameters: BTreeMap<String, String>,
    /// The tree of `document`, with places: for whoever reads parts of it, such as inline SLOs.
    pub tree: Node,
    /// The text as it was.
    pub source: String,
    /// What the text is called in messages.
    pub file: String,
}

impl Checked {
    /// The inline OpenSLO document of a steady state, with its place, for the `slo` crate. The key `tolerance` in it is
    /// ours.
    #[must_use]
    pub fn inline_slo(&self, index: usize) -> Option<Place<'_>> {
        let path = steadfast_model::problem::Path::default();
        let place =
            Place::top(&self.tree).at(&path.key("spec").key("steadyState").index(index).key("slo"))?;
        place.get("ref").is_none().then_some(place)
    }

    /// Problems found later, with their lines, as a person reads them.
    #[must_use]
    pub fn render(&self, problems: &mut Problems, colour: bool) -> String {
        Place::top(&self.tree).locate(problems);
        yaml::render(problems, &self.file, &self.source, colour)
    }
}

/// Reads an experiment and checks all that can be checked without looking at the system.
///
/// # Errors
/// Everything that is wrong, in the order of the text. Show it with [`yaml::render`].
pub fn read(source: &str, file: &str, options: &ReadOptions<'_>) -> Result<Checked, Problems> {
    let mut tree = envelope::open(source, document::KIND)?;
    let mut problems = Problems::new();
    let given = Given { set: &options.set, environment: options.environment };
    let mut values = Values::declared(&Place::top(&tree), &given, &mut problems);
    replace(&mut tree, &mut values, &mut problems);
    let top = Place::top(&tree);
    values.warn_of_unused(&top, &mut problems);
    let mut found = Problems::new();
    let experiment = experiment(&top, &values, &mut found);
    top.locate(&mut found);
    found.retain(|problem| !values.explain(problem));
    top.locate(&mut problems);
    problems.append(found);
    problems.sort();
    let experiment = match experiment {
        Some(experiment) if !problems.has_errors() => experiment,
        _ => return Err(problems),
    };
    let document = tree.to_json();
    Ok(Checked {
        experiment,
        warnings: problems,
        digest: digest::of_json(&document),
        document,
        parameters: values.texts(),
        tree,
        source: source.to_owned(),
        file: file.to_owned(),
    })
}

/// The top of the document. What is read item by item is only counted here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Outline {
    #[serde(rename = "apiVersion")]
    _api_version: IgnoredAny,
    #[serde(rename = "kind")]
    _kind: IgnoredAny,
    metadata: Metadata,
    spec: SpecOutline,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SpecOutline {
    claim: Option<String>,
    #[serde(rename = "steadyState", default)]
    _steady_state: Vec<IgnoredAny>,
    #[serde(default)]
    load: Vec<LoadEntry>,
    method: Vec<MethodStep>,
    #[serde(default)]
    expect: Vec<Expectation>,
    #[serde(rename = "guards", default)]
    _guards: Vec<IgnoredAny>,
    #[serde(default)]
    windows: Windows,
    #[serde(default)]
    confidence: Confidence,
    #[serde(rename = "parameters", default)]
    _parameters: BTreeMap<String, IgnoredAny>,
    #[serde(default)]
    environment: Vec<String>,
}

fn experiment(top: &Place<'_>, values: &Values, problems: &mut Problems) -> Option<Experiment> {
    let outline: Option<Outline> = decode_most(top, problems);
    let spec = top.get("spec");
    let steady_state = items(spec.as_ref(), "steadyState", problems, SteadyState::read);
    let guards = items(spec.as_ref(), "guards", problems, Guard::read);
    let Outline { metadata, spec, .. } = outline?;
    let experiment = Experiment {
        api_version: API_VERSION.to_owned(),
        kind: document::KIND.to_owned(),
        metadata,
        spec: Spec {
            claim: spec.claim,
            steady_state: steady_state?,
            load: spec.load,
            method: spec.method,
            expect: spec.expect,
            guards: guards?,
            windows: spec.windows,
            confidence: spec.confidence,
            parameters: values.json(),
            environment: spec.environment,
        },
    };
    check::check(&experiment, problems);
    Some(experiment)
}

/// The items of a list below `spec`, each read by itself; `None` when one of them is wrong.
fn items<T>(
    spec: Option<&Place<'_>>,
    key: &str,
    problems: &mut Problems,
    read: impl Fn(&Place<'_>, &mut Problems) -> Option<T>,
) -> Option<Vec<T>> {
    let Some(list) = spec.and_then(|spec| spec.get(key)) else { return Some(Vec::new()) };
    // Read all before the first failure ends it: every item has its own problems.
    let read: Vec<Option<T>> = list.items().take(MOST_ITEMS).map(|item| read(&item, problems)).collect();
    if list.items().nth(MOST_ITEMS).is_some() {
        problems.push(list.problem(format!("these are more than {MOST_ITEMS}"), None));
    }
    read.into_iter().collect()
}

/// The longest list of steady states or guards.
const MOST_ITEMS: usize = 50;

#[cfg(test)]
mod tests;

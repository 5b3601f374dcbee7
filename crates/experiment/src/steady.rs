//! The hypothesis: what must hold while a fault is in place.

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value};
use steadfast_model::{
    Problems,
    yaml::{Place, decode, suggest},
};
use steadfast_probes::{PROBES, ProbeSpec};

use crate::{ToleranceSpec, name, split};

mod schema;

/// One part of the hypothesis: a map with one key.
#[derive(Debug, Clone, PartialEq)]
pub enum SteadyState {
    /// An SLO holds.
    Slo(SloState),
    /// What a probe counts stays within a tolerance.
    Probe(ProbeState),
}

/// An SLO, by its name or written out.
#[derive(Debug, Clone, PartialEq)]
pub struct SloState {
    /// The SLO's name.
    pub name: String,
    /// The OpenSLO document as written, when it stands here: its place is `spec.steadyState[…].slo`.
    pub document: Option<Value>,
    /// How much worse is still fine; ten times the error budget's pace unless given.
    pub tolerance: Option<ToleranceSpec>,
}

/// A probe with a name and a tolerance.
#[derive(Debug, Clone, PartialEq)]
pub struct ProbeState {
    /// Its name in charts, reports and guards.
    pub name: String,
    /// How much worse is still fine.
    pub tolerance: ToleranceSpec,
    /// What is counted.
    pub probe: Box<ProbeSpec>,
}

const SLO: &str = "slo";
/// Keys beside the probe's own.
const BESIDE: [&str; 2] = ["name", "tolerance"];

impl SteadyState {
    /// Its name, unique in its experiment.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Slo(slo) => &slo.name,
            Self::Probe(probe) => &probe.name,
        }
    }

    pub(crate) fn read(item: &Place<'_>, problems: &mut Problems) -> Option<Self> {
        let known: Vec<&str> = [SLO].into_iter().chain(PROBES.iter().map(|probe| probe.kind)).collect();
        match split::one_key(item, "steady state", &known, problems)? {
            (SLO, body) => slo(&body, problems).map(Self::Slo),
            (_, body) => probe(item, &body, problems).map(Self::Probe),
        }
    }
}

fn slo(body: &Place<'_>, problems: &mut Problems) -> Option<SloState> {
    let tolerance = match body.get("tolerance") {
        Some(place) => Some(tolerance(&place, true, problems)?),
        None => None,
    };
    if let Some(reference) = body.get("ref") {
        for (entry, place) in body.entries().filter(|(entry, _)| !["ref", "tolerance"].contains(&&*entry.key))
        {
            let hint = match entry.key.as_str() {
                "metadata" | "spec" => Some("keep either `ref` or the SLO itself".to_owned()),
                key => suggest(key, ["ref", "tolerance"]),
            };
            let mut problem = place.problem(format!("unknown key `{}`", entry.key), hint);
            problem.span = Some(entry.key_span);
            problems.push(problem);
        }
        let name: String = decode(&reference, problems)?;
        problems.below(body.path.clone(), |problems| name::check(&["ref"], &name, problems));
        return Some(SloState { name, document: None, tolerance });
    }
    let Some(metadata) = body.get("metadata") else {
        let hint = match body.entries().next() {
            Some((entry, _)) => suggest(&entry.key, ["ref", "metadata", "spec", "tolerance"]),
            None => Some("write { ref: NAME }, or metadata and spec of an OpenSLO document".to_owned()),
        };
        problems.push(body.problem("neither `ref` nor an SLO's `metadata` is given", hint));
        return None;
    };
    let name: String = split::required(&metadata, "name", "every SLO has a name", problems)?;
    let mut document = body.node.to_json();
    if let Value::Object(map) = &mut document {
        map.shift_remove("tolerance");
    }
    Some(SloState { name, document: Some(document), tolerance })
}

fn probe(item: &Place<'_>, body: &Place<'_>, problems: &mut Problems) -> Option<ProbeState> {
    let probe = split::probe(item, &BESIDE, problems);
    let given: Option<String> = split::required(body, "name", "charts and guards need one", problems);
    if let Some(name) = &given {
        problems.below(body.path.clone(), |problems| name::check(&["name"], name, problems));
    }
    let tolerance = match body.get("tolerance") {
        Some(place) => tolerance(&place, false, problems),
        None => {
            let hint = "say how much worse is still fine: { absolute: 1% } or { relative: 1.5 }";
            problems.push(body.problem("`tolerance` is missing", Some(hint.to_owned())));
            None
        }
    };
    Some(ProbeState { name: given?, tolerance: tolerance?, probe: Box::new(probe?) })
}

fn tolerance(place: &Place<'_>, of_slo: bool, problems: &mut Problems) -> Option<ToleranceSpec> {
    let tolerance: ToleranceSpec = decode(place, problems)?;
    problems.below(place.path.clone(), |problems| tolerance.check(of_slo, problems));
    Some(tolerance)
}

impl Serialize for SteadyState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (key, body) = match self {
            Self::Slo(slo) => (SLO, with_tolerance(slo_body(slo), slo.tolerance)),
            Self::Probe(state) => {
                let body = beside(&state.probe, [("name", Value::from(state.name.as_str()))]);
                (state.probe.kind(), with_tolerance(body, Some(state.tolerance)))
            }
        };
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(key, &body)?;
        map.end()
    }
}

fn slo_body(slo: &SloState) -> Map<String, Value> {
    match &slo.document {
        Some(Value::Object(document)) => document.clone(),
        _ => Map::from_iter([("ref".to_owned(), Value::from(slo.name.as_str()))]),
    }
}

fn with_tolerance(mut body: Map<String, Value>, tolerance: Option<ToleranceSpec>) -> Map<String, Value> {
    if let Some(tolerance) = tolerance {
        body.insert("tolerance".to_owned(), json(&tolerance));
    }
    body
}

/// Keys of ours in front of a probe's own.
pub(crate) fn beside<const N: usize>(probe: &ProbeSpec, ours: [(&str, Value); N]) -> Map<String, Value> {
    let mut body: Map<String, Value> = ours.map(|(key, value)| (key.to_owned(), value)).into_iter().collect();
    if let Value::Object(fields) = json(probe)[probe.kind()].take() {
        body.extend(fields);
    }
    body
}

fn json<T: Serialize>(value: &T) -> Value {
    serde_json::to_value(value).expect("documents have text keys and finite numbers")
}

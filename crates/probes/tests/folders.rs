//! What every probe folder must have and be.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use steadfast_model::{
    Problems,
    yaml::{self, Place},
};
use steadfast_probes::{PROBES, ProbeKind, ProbeSpec};

fn example(kind: &ProbeKind) -> ProbeSpec {
    let documents = yaml::parse(kind.example).unwrap();
    let mut problems = Problems::new();
    let spec = yaml::decode(&Place::top(&documents[0]), &mut problems);
    assert!(problems.is_empty(), "{}: {problems:#?}", kind.kind);
    spec.unwrap()
}

#[test]
fn there_are_five_kinds_of_their_own() {
    let kinds: BTreeSet<&str> = PROBES.iter().map(|kind| kind.kind).collect();
    assert_eq!(kinds, BTreeSet::from(["command", "http", "load", "prometheus", "scrape"]));
}

#[test]
fn every_example_is_sound_and_says_what_it_counts() {
    for kind in PROBES {
        let spec = example(kind);
        let mut problems = Problems::new();
        spec.as_probe().check(&mut problems);
        assert!(problems.is_empty(), "{}: {problems:#?}", kind.kind);
        assert_eq!(spec.kind(), kind.kind);
        assert!(!spec.as_probe().describe().is_empty());
    }
}

#[test]
fn every_example_survives_being_written_and_read() {
    for kind in PROBES {
        let spec = example(kind);
        let json = serde_json::to_value(&spec).unwrap();
        assert_eq!(serde_json::from_value::<ProbeSpec>(json.clone()).unwrap(), spec);
        assert_eq!((kind.parse)(json[kind.kind].clone()).unwrap(), spec);
    }
}

#[test]
fn every_kind_refuses_keys_it_does_not_know() {
    for kind in PROBES {
        let mut json = serde_json::to_value(example(kind)).unwrap()[kind.kind].clone();
        json["latencyBelov"] = "1s".into();
        assert!((kind.parse)(json).is_err(), "{}", kind.kind);
    }
}

#[test]
fn every_kind_has_a_schema_with_descriptions_and_a_readme_with_its_parts() {
    for kind in PROBES {
        let schema = (kind.schema)();
        for (name, field) in schema["properties"].as_object().unwrap() {
            assert!(field.get("description").is_some(), "{}.{name}", kind.kind);
        }
        for heading in ["## What it counts", "## Needs", "## Risks", "## How to see it work"] {
            assert!(kind.readme.contains(heading), "{}: {heading}", kind.kind);
        }
    }
}

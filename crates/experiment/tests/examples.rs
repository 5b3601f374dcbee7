//! Every example in the repository is a document that works, and a schema an editor would use accepts it.
#![expect(clippy::unwrap_used, reason = "a test may end here")]

use std::{collections::BTreeMap, fs, path::PathBuf};

use serde_json::Value;
use steadfast_experiment::{ReadOptions, print, read, schema};
use steadfast_model::yaml;

mod minimal_schema;

fn documents(folder: &str) -> Vec<(String, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder);
    let mut found: Vec<(String, String)> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .map(|path| (path.display().to_string(), fs::read_to_string(&path).unwrap()))
        .filter(|(_, source)| source.contains("kind: Experiment"))
        .collect();
    found.sort();
    found
}

#[test]
fn every_example_is_accepted_by_reader_and_schema_and_prints_to_itself() {
    let examples = documents("examples");
    let demo = documents("crates/demo/documents");
    assert!(examples.len() >= 3 && demo.len() >= 4, "{} and {}", examples.len(), demo.len());
    let schema = schema();
    for (file, source) in examples.iter().chain(&demo) {
        let checked = read(source, file, &ReadOptions::default())
            .unwrap_or_else(|problems| panic!("{}", yaml::render(&problems, file, source, false)));
        assert!(checked.warnings.is_empty(), "{}", yaml::render(&checked.warnings, file, source, false));
        let written = yaml::parse(source).unwrap()[0].to_json();
        for document in [&written, &serde_json::to_value(&checked.experiment).unwrap()] {
            let wrong = minimal_schema::check(&schema, document);
            assert!(wrong.is_empty(), "{file}: {wrong:#?}");
        }
        let printed = print(&checked.experiment);
        let again = read(&printed, file, &ReadOptions::default())
            .unwrap_or_else(|problems| panic!("{}", yaml::render(&problems, file, &printed, false)));
        assert_eq!(again.experiment, checked.experiment, "{printed}");
    }
    for (file, source) in &examples {
        let line = "# yaml-language-server: $schema=../docs/reference/experiment.schema.json\n";
        assert!(source.starts_with(line), "{file}");
    }
}

#[test]
fn the_schema_refuses_what_the_reader_refuses() {
    let schema = schema();
    let (_, source) =
        documents("examples").into_iter().find(|(file, _)| file.ends_with("process-pause.yaml")).unwrap();
    let good = yaml::parse(&source).unwrap()[0].to_json();
    assert!(minimal_schema::check(&schema, &good).is_empty());
    type Change = fn(&mut Value);
    let changes: [Change; 6] = [
        |document| document["kind"] = "Binding".into(),
        |document| document["spec"]["steadyState"][0]["load"]["nane"] = 1.into(),
        |document| {
            drop(document["spec"]["steadyState"][0]["load"].as_object_mut().unwrap().remove("tolerance"))
        },
        |document| {
            document["spec"]["method"][0]["inject"]["fault"] = serde_json::json!({ "processPuase": {} })
        },
        |document| document["spec"]["guards"][1]["http"]["failures"] = 0.into(),
        |document| document["spec"]["steadyState"] = serde_json::json!([]),
    ];
    for (index, change) in changes.into_iter().enumerate() {
        let mut bad = good.clone();
        change(&mut bad);
        assert!(!minimal_schema::check(&schema, &bad).is_empty(), "change {index}");
        let text = yaml::print(&bad);
        let options = ReadOptions { set: BTreeMap::new(), environment: &|_| None };
        assert!(read(&text, "changed", &options).is_err(), "change {index}");
    }
}

#[test]
fn the_schema_describes_everything_an_editor_shows() {
    let schema = schema();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    let text = schema.to_string();
    for word in [
        "httpDelay",
        "tcpReset",
        "processKill",
        "steadyState",
        "tolerance",
        "inFlight",
        "recovery",
        "failures",
    ] {
        assert!(text.contains(&format!("\"{word}\"")), "{word}");
    }
    let bare: Vec<&String> = schema["$defs"]["Spec"]["properties"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(_, property)| property.get("description").is_none())
        .map(|(name, _)| name)
        .collect();
    assert!(bare.is_empty(), "without a description: {bare:?}");
}

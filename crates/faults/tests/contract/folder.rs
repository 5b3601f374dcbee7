//! The folder of a fault: its example, its README, its schema, its names.

use serde::Deserialize;
use serde_json::Value;
use steadfast_faults::{FaultKind, FaultSpec};
use steadfast_folders::{FAULT_HEADINGS, headings, key_of, variant_of};
use steadfast_model::{
    Duration, Problems, Target,
    yaml::{Place, decode, parse},
};

/// What `example.yaml` holds: the body of an `inject` step.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Example {
    pub(crate) fault: FaultSpec,
    pub(crate) into: Target,
    #[serde(rename = "for")]
    pub(crate) length: Duration,
}

pub(crate) fn example(kind: &FaultKind) -> Example {
    let documents = parse(kind.example).unwrap_or_else(|problems| panic!("{}: {problems:?}", kind.kind));
    assert_eq!(documents.len(), 1, "{}: one example", kind.kind);
    let mut problems = Problems::new();
    let example = decode(&Place::top(&documents[0]), &mut problems);
    example.unwrap_or_else(|| panic!("{}: {problems:?}", kind.kind))
}

/// Everything that is wrong with a folder.
pub(crate) fn problems(kind: &FaultKind) -> Vec<String> {
    let mut problems = Vec::new();
    let mut expect = |holds: bool, otherwise: String| {
        if !holds {
            problems.push(otherwise);
        }
    };
    expect(
        kind.kind == key_of(kind.folder),
        format!("the key is {} and the folder {}", kind.kind, kind.folder),
    );
    let title = kind.readme.lines().next().unwrap_or_default();
    expect(title == format!("# {}", kind.kind), format!("the README's title is {title:?}"));
    let found = headings(kind.readme);
    expect(found == FAULT_HEADINGS, format!("the README's headings are {found:?}"));
    expect(kind.summary.len() <= 100, format!("the summary is too long for a table: {}", kind.summary));

    let schema = (kind.schema)();
    expect(schema["title"] == variant_of(kind.folder), format!("the struct is {}", schema["title"]));
    let settings = schema["properties"].as_object().into_iter().flatten();
    for (name, setting) in settings {
        expect(has_description(setting, &schema), format!("{name} has no description"));
    }
    let mut open = Vec::new();
    find_open_objects(&schema, "", &mut open);
    expect(open.is_empty(), format!("unknown settings are accepted at {open:?}"));
    problems
}

fn has_description(setting: &Value, schema: &Value) -> bool {
    let referred = setting["$ref"].as_str().and_then(|name| schema.pointer(name.trim_start_matches('#')));
    setting.get("description").is_some() || referred.is_some_and(|found| found.get("description").is_some())
}

/// Every schema of an object says `additionalProperties: false`, or, for a map, what its values are.
fn find_open_objects(schema: &Value, at: &str, open: &mut Vec<String>) {
    let more = &schema["additionalProperties"];
    let is_map = schema.get("properties").is_none() && more["type"].is_string();
    if schema["type"] == "object" && *more != false && !is_map {
        open.push(format!("{at}/"));
    }
    match schema {
        Value::Object(map) => {
            map.iter().for_each(|(key, part)| find_open_objects(part, &format!("{at}/{key}"), open))
        }
        Value::Array(list) => list.iter().for_each(|part| find_open_objects(part, at, open)),
        _ => {}
    }
}

#[test]
fn an_open_schema_and_a_bad_readme_are_found() {
    let kind = FaultKind {
        kind: "tcpDown",
        folder: "tcp_drop",
        readme: "# tcpDrop\n\nText.\n",
        example: "",
        summary: "Text.",
        schema: || serde_json::json!({ "title": "TcpDown", "type": "object", "properties": { "a": {} } }),
        parse: |_| unreachable!(),
    };
    let found = problems(&kind);
    assert_eq!(found.len(), 6, "{found:#?}");
}

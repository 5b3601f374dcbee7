use serde_json::json;

use super::*;

/// What is found in a workspace of one crate that uses one other.
fn found(folder: &str, uses: &str, kind: Option<&str>) -> Vec<String> {
    let name = if folder == "steadfast" { folder.to_owned() } else { format!("steadfast-{folder}") };
    let metadata = json!({ "packages": [{
        "name": name,
        "manifest_path": format!("crates/{folder}/Cargo.toml"),
        "dependencies": [{ "name": uses, "kind": kind }],
    }] });
    let metadata: Metadata = serde_json::from_value(metadata).unwrap();
    check(&metadata).into_iter().map(|finding| finding.to_string()).collect()
}

#[test]
fn arrows_point_down() {
    for (from, to) in [
        ("engine", "faults"),
        ("host", "engine"),
        ("slo", "probes"),
        ("steadfast", "host"),
        ("demo", "proxy"),
    ] {
        assert_eq!(found(from, &format!("steadfast-{to}"), None), Vec::<String>::new(), "{from} -> {to}");
    }
}

#[test]
fn arrows_that_point_up_or_sideways_are_found() {
    for (from, to) in [
        ("faults", "engine"),
        ("engine", "linux"),
        ("model", "analysis"),
        ("proxy", "host"),
        ("demo", "host"),
    ] {
        let findings = found(from, &format!("steadfast-{to}"), None);
        assert_eq!(findings.len(), 1, "{from} -> {to}");
        assert!(findings[0].contains(&format!("`{from}` uses `{to}`")), "{findings:?}");
    }
    assert_eq!(found("engine", "steadfast-host", Some("dev")).len(), 1, "also in tests");
    assert!(found("host", "steadfast-host", Some("dev")).is_empty(), "a feature of its own, for its tests");
    assert_eq!(found("host", "steadfast", None).len(), 1, "nobody uses the program");
    assert_eq!(found("host", "steadfast-cellar", None).len(), 1, "nobody uses what has no level");
}

#[test]
fn crates_beside_the_levels_are_used_only_where_they_may() {
    assert!(found("faults", "steadfast-folders", Some("build")).is_empty());
    assert!(found("ledger", "steadfast-testkit", Some("dev")).is_empty());
    assert!(found("steadfast", "steadfast-demo", None).is_empty());
    assert!(found("proxy", "steadfast-names", None).is_empty());
    assert_eq!(found("probes", "steadfast-names", None).len(), 1, "it needs a runtime");
    assert_eq!(found("faults", "steadfast-folders", None).len(), 1);
    assert_eq!(found("ledger", "steadfast-testkit", None).len(), 1);
    assert_eq!(found("host", "steadfast-demo", None).len(), 1);
    assert_eq!(found("folders", "steadfast-model", None).len(), 1);
}

#[test]
fn pure_crates_have_no_runtime() {
    for library in NOT_IN_PURE {
        for folder in ["model", "analysis", "faults", "probes", "experiment", "slo"] {
            assert_eq!(found(folder, library, None).len(), 1, "{folder} -> {library}");
        }
    }
    assert!(found("engine", "tokio", None).is_empty());
    assert!(found("faults", "tokio", Some("dev")).is_empty());
}

#[test]
fn sql_stays_in_the_store() {
    assert!(found("store", "sqlx", None).is_empty());
    assert_eq!(found("host", "sqlx", None).len(), 1);
}

#[test]
fn a_crate_needs_a_level_and_a_name_that_says_something() {
    assert_eq!(found("cellar", "serde", None).len(), 1);
    assert_eq!(found("utils", "serde", None).len(), 2);
    let metadata = json!({ "packages": [
        { "name": "sf-model", "manifest_path": "crates/model/Cargo.toml", "dependencies": [] },
        { "name": "xtask", "manifest_path": "xtask/Cargo.toml", "dependencies": [{ "name": "sqlx", "kind": null }] },
    ] });
    let metadata: Metadata = serde_json::from_value(metadata).unwrap();
    assert_eq!(check(&metadata).len(), 1);
}

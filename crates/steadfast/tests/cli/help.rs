//! What the program says about itself, and the first experiment it writes.

use crate::support::{Place, Service};

#[test]
fn every_command_has_help_with_examples() {
    let place = Place::new();
    for path in [
        "run",
        "demo",
        "demo up",
        "demo down",
        "demo status",
        "runs list",
        "runs show",
        "runs replay",
        "runs diff",
        "runs report",
        "fault list",
        "fault show",
        "fault try",
        "status",
        "stop",
        "recover",
        "load",
        "verdict",
        "init",
        "doctor",
        "schema",
        "proxy",
        "completions",
    ] {
        let words: Vec<&str> = path.split(' ').chain(["--help"]).collect();
        place.run(&words).expect(0).says("Usage: steadfast").says("Examples:");
    }
    place.run(&["--help"]).expect(0).says("Exit codes:").never_says("reaper").never_says("demo-service");
    place.run(&["--version"]).expect(0).says("steadfast ");
    assert!(!place.state().exists(), "help needs no state");
}

#[test]
fn what_makes_no_sense_is_a_usage_error() {
    let place = Place::new();
    place.run(&[]).expect(64);
    place.run(&["fly"]).expect(64).says("unrecognized subcommand");
    place.run(&["runs", "list", "--verdict", "perhaps"]).expect(64).says("inconclusive");
    place.run(&["stop"]).expect(64);
    place.run(&["run", "x.yaml", "--set", "novalue"]).expect(64).says("NAME=VALUE");
    place.run(&["fault", "show", "tcpDely"]).expect(64).says("did you mean `tcpDelay`");
    assert!(!place.state().exists());
}

#[test]
fn shells_get_completions() {
    let place = Place::new();
    for (shell, word) in
        [("bash", "complete -F"), ("zsh", "#compdef steadfast"), ("fish", "complete -c steadfast")]
    {
        place.run(&["completions", shell]).expect(0).says(word);
    }
    place.run(&["completions", "abacus"]).expect(64);
}

#[test]
fn the_schema_is_json_and_knows_every_fault() {
    let place = Place::new();
    let schema = place.run(&["schema"]).expect(0).json();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    let text = schema.to_string();
    let faults = place.run(&["fault", "list", "--output", "json"]).expect(0).json();
    let kinds: Vec<_> =
        faults.as_array().unwrap().iter().map(|fault| fault["kind"].as_str().unwrap()).collect();
    assert!(kinds.is_sorted() && kinds.len() >= 18, "{kinds:?}");
    for kind in kinds {
        assert!(text.contains(&format!("\"{kind}\"")), "{kind}");
        place.run(&["fault", "show", kind]).expect(0).says("Example").says(kind);
        let shown = place.run(&["fault", "show", kind, "--output", "json"]).expect(0).json();
        assert!(shown["schema"].is_object(), "{shown}");
    }
}

#[test]
fn a_first_experiment_is_accepted_as_it_is_written() {
    let (place, service) = (Place::new(), Service::new());
    // A process of its own to disturb: the service itself is a thread of this test, which is spared. Under another name
    // the program is somebody else's, which a fault may go into.
    let mut copy = place.bare("cp");
    copy.args([env!("CARGO_BIN_EXE_steadfast"), "shop"]);
    place.start_command(copy).wait().expect(0);
    let mut shop = place.bare("./shop");
    shop.args(["proxy", "--name", "p", "--listen", "127.0.0.1:0", "--control", "p.sock", "--upstream"]);
    shop.arg(service.address.to_string()).env("STEADFAST_STATE_DIR", place.state());
    let mut shop = place.start_command(shop);
    let said = shop.wait_for("sending to");
    let address = said.split("listening on ").nth(1).unwrap().split(',').next().unwrap();
    let url = format!("http://{address}/");
    place.run(&["init", &url]).expect(0).says("experiment.yaml").says("--dry-run");
    place.run(&["run", "experiment.yaml", "--dry-run"]).expect(0).says("will").says("(shop)");
    place.run(&["init", &url]).expect(64).says("is there already");
    place
        .run(&["init", "ftp://somewhere", "--file", "b.yaml"])
        .expect(64)
        .says("not the address of a service");
    place.run(&["init", "localhost:8080", "--file", "b.yaml"]).expect(64);
    assert!(!place.path().join("b.yaml").exists());
    assert_eq!(service.served(), 0);
    place.assert_untouched();
}

#[test]
fn doctor_says_what_works() {
    let place = Place::new();
    let output = place.run(&["doctor", "--output", "json"]);
    let all = output.json();
    let all = all.as_array().unwrap();
    assert!(all.len() >= 3, "{all:?}");
    let missing = all.iter().any(|capability| capability["works"] == false);
    assert_eq!(output.code, Some(if missing { 4 } else { 0 }), "{all:?}");
}

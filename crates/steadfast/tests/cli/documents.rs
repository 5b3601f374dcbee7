//! Documents that make no sense: every problem at once, exit code 65, nothing touched.

use crate::support::{Experiment, Output, Place};

const HEAD: &str = "apiVersion: steadfast.dev/v1alpha1\nkind: Experiment\nmetadata: { name: wrong }\n";

/// A document that would work, were it not for what a test changes; its process is this very test.
fn good() -> String {
    let into = format!("process: {{ pid: {} }}", std::process::id());
    Experiment::new("http://127.0.0.1:1/", "processPause: {}", &into).text()
}

/// Runs a document that must be refused before anything is looked at.
#[track_caller]
fn refused(text: &str, more: &[&str]) -> Output {
    let place = Place::new();
    let file = place.write("wrong.yaml", text);
    let output = place.run(&[&["run", &file, "--yes"], more].concat()).expect(65);
    place.assert_untouched();
    output
}

#[track_caller]
fn refused_after(change: &str, to: &str) -> Output {
    let good = good();
    assert!(good.contains(change), "{good}");
    refused(&good.replace(change, to), &[])
}

#[test]
fn all_problems_are_told_at_once_with_file_line_column_and_hint() {
    let text = format!(
        "{HEAD}spec:
  steadyState:
    - load: {{ name: answers, load: visitors, tolerance: {{ absolute: 5% }} }}
  load:
    - http: {{ name: visitors, url: 'http://127.0.0.1:1/', rate: 100/s }}
  method:
    - inject:
        fault: {{ processPaus: {{}} }}
        into: {{ process: {{ pid: 1 }} }}
        for: 3 parsecs
  windows: {{ baselin: 3s }}
"
    );
    let output = refused(&text, &[]);
    let output = output.says("did you mean `processPause`").says("3 parsecs").says("did you mean `baseline`");
    for place in ["wrong.yaml:11:", "wrong.yaml:13:", "wrong.yaml:14:"] {
        assert!(output.stderr.contains(place), "{place} is not in\n{}", output.stderr);
    }
    assert!(output.stderr.contains("fault: { processPaus: {} }"), "the line itself:\n{}", output.stderr);
}

#[test]
fn bad_promql_is_refused_with_its_line_and_column_before_anything_is_touched() {
    let text = format!(
        "{HEAD}spec:
  steadyState:
    - prometheus:
        name: known
        value: {{ query: 'sum(rate(requests_total))', atMost: 1 }}
        tolerance: {{ absolute: 5% }}
  method:
    - inject: {{ fault: {{ processPause: {{}} }}, into: {{ process: {{ pid: {} }} }}, for: 5s }}
",
        std::process::id()
    );
    refused(&text, &[]).says("wrong.yaml:8:25").says("this is no PromQL").says("expected type");
}

#[test]
fn an_unknown_fault_is_refused() {
    refused_after("processPause: {}", "volcano: {}").says("volcano");
}

#[test]
fn an_unknown_unit_is_refused() {
    refused_after("baseline: 3s", "baseline: 3 fortnights").says("3 fortnights");
}

#[test]
fn an_unknown_key_suggests_the_nearest() {
    refused_after("  guards: []", "  gaurds: []").says("unknown key `gaurds`").says("did you mean `guards`");
}

#[test]
fn a_key_that_stands_there_twice_is_refused() {
    refused_after("  guards: []", "  guards: []\n  guards: []").says("guards").says("twice");
}

#[test]
fn a_document_over_a_mebibyte_is_refused() {
    let long = format!("{}# {}\n", good(), "x".repeat(1 << 20));
    refused(&long, &[]).says("at most 1048576");
    let longer = format!("{}# {}\n", good(), "x".repeat(3 << 20));
    refused(&longer, &[]).says("1 MiB");
}

#[test]
fn deep_nesting_is_refused() {
    let deep = format!("{HEAD}spec: {}{}\n", "[".repeat(50_000), "]".repeat(50_000));
    refused(&deep, &[]).says("deep");
}

#[test]
fn a_billion_laughs_are_refused() {
    let mut text = format!("{HEAD}a0: &a0 [ha, ha, ha, ha, ha, ha, ha, ha, ha, ha]\n");
    for level in 1..12 {
        let before = level - 1;
        let ten = vec![format!("*a{before}"); 10].join(", ");
        text.push_str(&format!("a{level}: &a{level} [{ten}]\n"));
    }
    let begun = std::time::Instant::now();
    refused(&text, &[]);
    assert!(begun.elapsed() < std::time::Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[test]
fn a_missing_steady_state_is_refused() {
    let text = good();
    let without: Vec<_> =
        text.lines().filter(|line| !line.contains("steadyState") && !line.contains("- load:")).collect();
    refused(&without.join("\n"), &[]).says("no steady state");
}

#[test]
fn a_parameter_the_document_does_not_have_is_refused() {
    refused(&good(), &["--set", "rate=5"]).says("rate");
}

#[test]
fn a_parameter_without_a_value_is_refused() {
    refused(&good().replace("200/s", "${rate}"), &[]).says("rate");
}

#[test]
fn a_file_that_is_not_there_or_no_text_is_refused() {
    let place = Place::new();
    place.run(&["run", "nowhere.yaml", "--yes"]).expect(65).says("nowhere.yaml").says("No such file");
    std::fs::write(place.path().join("binary.yaml"), [0xff, 0xfe, 0x00, 0x41]).unwrap();
    place.run(&["run", "binary.yaml", "--yes"]).expect(65).says("not UTF-8");
    place.run(&["run", ".", "--yes"]).expect(65);
    place.run(&["run", "/dev/zero", "--yes"]).expect(65).says("longer than");
    place.assert_untouched();
}

#[test]
fn an_empty_document_is_refused() {
    refused("", &[]);
    refused("# nothing\n", &[]);
    refused("just words\n", &[]);
}

#[test]
fn a_service_level_that_is_not_there_is_refused() {
    let steady =
        "load: { name: answers, load: visitors, good: { within: 200ms }, tolerance: { absolute: 10% } }";
    refused_after(steady, "slo: { ref: nowhere }").says("nowhere");
}

#[test]
fn the_first_process_is_refused_where_it_stands() {
    let own = format!("pid: {}", std::process::id());
    refused_after(&own, "pid: 1").says("process 1 is never touched").says("wrong.yaml:9:");
}

use std::collections::BTreeMap;

use super::*;

const GOOD: &str = "\
apiVersion: steadfast.dev/v1alpha1
kind: Experiment
metadata: { name: risk-slow }
spec:
  steadyState:
    - slo: { ref: qr-pay }
    - http: { name: healthy, tolerance: { absolute: 5% }, url: 'http://127.0.0.1:1/healthz' }
  load:
    - http: { name: pay, url: 'http://127.0.0.1:1', rate: 100/s }
  method:
    - inject: { fault: { httpDelay: { latency: 600ms } }, into: { service: risk }, for: 20s }
";

fn shown(source: &str, options: &ReadOptions<'_>) -> String {
    match read(source, "e.yaml", options) {
        Ok(checked) => yaml::render(&checked.warnings, "e.yaml", source, false),
        Err(problems) => yaml::render(&problems, "e.yaml", source, false),
    }
}

/// One change to a good document; then nothing but these problems: `line:column message | hint`.
#[track_caller]
fn changed(from: &str, to: &str, expected: &[&str]) {
    assert!(GOOD.contains(from), "{from}");
    let source = GOOD.replacen(from, to, 1);
    let problems = match read(&source, "e.yaml", &ReadOptions::default()) {
        Ok(checked) => checked.warnings,
        Err(problems) => problems,
    };
    let found: Vec<String> = problems
        .all()
        .iter()
        .map(|problem| {
            let (line, column) = problem.span.map_or((0, 0), |span| (span.line, span.column));
            let hint = problem.hint.as_ref().map(|hint| format!(" | {hint}")).unwrap_or_default();
            format!("{line}:{column} {}{hint}", problem.message)
        })
        .collect();
    assert_eq!(found, expected, "for\n{source}");
}

#[test]
fn a_good_document_is_read_with_defaults() {
    let checked = read(GOOD, "e.yaml", &ReadOptions::default()).unwrap();
    let experiment = &checked.experiment;
    assert!(checked.warnings.is_empty());
    assert_eq!((experiment.name(), experiment.spec.windows.clone()), ("risk-slow", Windows::default()));
    assert_eq!(experiment.total_duration().to_string(), "1m20s");
    assert!(checked.document["spec"].get("windows").is_none(), "the document is kept without defaults");
    let spaced = GOOD.replace("{ name: risk-slow }", "{ 'name':   risk-slow } # a comment");
    let same = read(&spaced, "e.yaml", &ReadOptions::default()).unwrap();
    assert_eq!(checked.digest, same.digest);
}

#[test]
fn each_mistake_is_told_with_its_place_and_a_hint() {
    changed(
        "v1alpha1",
        "v1",
        &[
            "1:13 unknown apiVersion `steadfast.dev/v1` | this version of Steadfast reads steadfast.dev/v1alpha1",
        ],
    );
    changed(
        "kind: Experiment",
        "kind: Experment",
        &["2:7 expected kind Experiment, found `Experment` | did you mean `Experiment`?"],
    );
    changed(
        "kind: Experiment",
        "kind: Binding",
        &["2:7 expected kind Experiment, found `Binding` | this is a binding: give it with --binding"],
    );
    changed(
        "name: risk-slow",
        "name: Risk_slow",
        &[
            "3:19 `Risk_slow` is no name | use lower-case letters, digits and `-`, at most 63, such as risk-slow",
        ],
    );
    changed(
        "600ms",
        "200 parsecs",
        &["11:48 `200 parsecs` is not a duration | write a number and a unit, such as 300ms, 20s, 2m or 1h"],
    );
    changed("httpDelay", "httpDelai", &["11:26 unknown fault `httpDelai` | did you mean `httpDelay`?"]);
    changed("service: risk", "sevice: risk", &["11:67 unknown target `sevice` | did you mean `service`?"]);
    changed(", for: 20s", "", &["11:7 `for` is missing"]);
    changed(
        "for: 20s",
        "for: 0s",
        &["11:89 this must be longer than no time | write a duration such as 20s"],
    );
    changed("for: 20s", "for: 25h", &["10:3 this takes 25h1m; at most 24h", "11:89 25h is longer than 24h"]);
    changed(
        "for: 20s",
        "for: 100ms",
        &[
            "11:89 the fault ends before one interval is measured | one interval is 1s: make this longer, or windows.interval shorter",
        ],
    );
    changed(
        "- slo: { ref: qr-pay }",
        "- slow: { ref: qr-pay }",
        &["6:7 unknown steady state `slow` | did you mean `slo`?"],
    );
    changed(
        "{ ref: qr-pay }",
        "{ rev: qr-pay }",
        &["6:7 neither `ref` nor an SLO's `metadata` is given | did you mean `ref`?"],
    );
    changed(
        "tolerance: { absolute: 5% }, ",
        "",
        &[
            "7:7 `tolerance` is missing | say how much worse is still fine: { absolute: 1% } or { relative: 1.5 }",
        ],
    );
    changed(
        "tolerance:",
        "tolerence:",
        &[
            "7:7 `tolerance` is missing | say how much worse is still fine: { absolute: 1% } or { relative: 1.5 }",
            "7:30 unknown key `tolerence` | did you mean `tolerance`?",
        ],
    );
    changed(
        "absolute: 5%",
        "absolute: 0",
        &[
            "7:53 a tolerance must be above 0% and below 100% | write the share of bad events that is still fine, such as 1% or 0.01",
        ],
    );
    changed(
        "absolute: 5%",
        "burnRate: 5",
        &["7:53 only an SLO has an error budget to burn | write absolute: 1% or relative: 1.5"],
    );
    changed(
        "absolute: 5%",
        "relative: .nan",
        &[
            "7:53 a relative tolerance must be above 1 and at most 1000 | 1.5 means that half as many bad events more than in the baseline are still fine",
        ],
    );
    changed(
        "name: healthy",
        "name: qr-pay",
        &["7:7 there are two steady states called `qr-pay` | give it another name"],
    );
    changed("rate: 100/s", "rate: fast", &["9:59 `fast` is not a rate | write 200/s, 30/m or 5/h"]);
    changed(
        "    - slo: { ref: qr-pay }\n    - http: { name: healthy, tolerance: { absolute: 5% }, url: 'http://127.0.0.1:1/healthz' }\n",
        "    []\n",
        &[
            "5:3 there is no steady state | a run without a hypothesis proves nothing: add an slo or a probe that shall hold",
        ],
    );
    changed(
        "    - inject: { fault: { httpDelay: { latency: 600ms } }, into: { service: risk }, for: 20s }\n",
        "    - wait: 5s\n",
        &["10:3 nothing is injected | add a step: - inject: { fault: …, into: …, for: 20s }"],
    );
    changed(
        "{ service: risk }",
        "{ process: { pid: 1, listening: 2 } }",
        &["11:83 process 1 is never touched | name another process"],
    );
    changed(
        "{ service: risk }",
        "{ process: {} }",
        &[
            "11:67 nothing says which process | write { listening: 7000 }, { executable: java }, or one of pid, commandLine, user, unit",
        ],
    );
    changed(
        "{ service: risk }",
        "{ process: { executable: java, exclude: [{ pid: 7 }, { unit: '*' }] } }",
        &["11:126 `*` tells no process from another | write unit: 'payments.service'"],
    );
    changed(
        "spec:\n",
        "spec:\n  guards: [{ metric: { name: qr-pya, above: 50% } }]\n",
        &["5:30 there is no steady state `qr-pya` | did you mean `qr-pay`?"],
    );
    changed(
        "spec:\n",
        "spec:\n  windows: { baseline: 5s, intervall: 2s }\n",
        &["5:28 unknown key `intervall` | did you mean `interval`?"],
    );
    changed(
        "spec:\n",
        "spec:\n  confidence: { alpha: 0.7 }\n",
        &["5:24 this must be above 0 and below 0.5 | 0.05 means one wrong verdict in twenty at most"],
    );
    changed(
        "- slo: { ref: qr-pay }",
        "- load: { name: paid, tolerance: { relative: 1.5 }, load: pai }",
        &["6:63 there is no load `pai` | did you mean `pay`?"],
    );
    changed(
        "spec:\n",
        "---\nspec:\n",
        &["5:1 a file holds one Experiment, this is another document | keep one document a file"],
    );
}

#[test]
fn mistakes_of_all_kinds_are_told_at_once() {
    let source = "\
apiVersion: steadfast.dev/v1alpha1
kind: Experiment
metadata: { nane: x }
spec:
  steadyState:
    - http: { tolerance: { absolute: 5 }, url: 'ftp://x' }
    - slo: {}
  method:
    - inject: { fault: { tcpDelay: { latency: 0s, jiter: 1ms } }, into: { service: risk } }
    - wait: soon
  guards:
    - http: { name: alive, failures: 0, url: 'http://x', tmeout: 1s }
";
    let found = shown(source, &ReadOptions::default());
    for expected in [
        "`name` is missing\n --> e.yaml:3:1",
        "unknown key `nane`",
        "`name` is missing\n --> e.yaml:6:7",
        "this does not begin with http:// or https://",
        "`5` is no share of events",
        "neither `ref` nor an SLO's `metadata` is given",
        "`for` is missing",
        "unknown key `jiter`",
        "`soon` is not a duration",
        "unknown key `tmeout`",
        "this must be between 1 and 1000",
    ] {
        assert!(found.contains(expected), "{expected} in\n{found}");
    }
    assert_eq!(found.matches("error:").count(), 11, "{found}");
}

#[test]
fn parameters_are_put_in_and_keep_their_places() {
    let source = GOOD
        .replace(
            "spec:\n",
            "spec:\n  parameters: { pid: null, port: 7000, wait: 600ms, idle: x }\n  environment: [HOST]\n",
        )
        .replace("latency: 600ms", "latency: '${wait}'")
        .replace("service: risk", "process: { pid: '${pid}' }")
        .replace("'http://127.0.0.1:1'", "'http://${env.HOST}:${port}'")
        .replace("rate: 100/s", "rate: 100/s, body: 'costs $${price}'");
    let environment = |name: &str| (name == "HOST").then(|| "127.0.0.1".to_owned());
    let set = |pairs: &[(&str, &str)]| ReadOptions {
        set: pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        environment: &environment,
    };
    let checked = read(&source, "e.yaml", &set(&[("pid", "4711"), ("wait", "1s")])).unwrap();
    let load = checked.experiment.loads().next().unwrap();
    assert_eq!(load.url.as_deref(), Some("http://127.0.0.1:7000"));
    assert_eq!(load.body.as_deref(), Some("costs ${price}"));
    let pid = steadfast_model::target::ProcessTarget::with_pid(4711);
    assert_eq!(checked.experiment.injections().next().unwrap().1.into, steadfast_model::Target::from(pid));
    let given = [("idle", "x"), ("pid", "4711"), ("port", "7000"), ("wait", "1s")];
    assert_eq!(checked.parameters, BTreeMap::from(given.map(|(k, v)| (k.to_owned(), v.to_owned()))));
    let warnings = yaml::render(&checked.warnings, "e.yaml", &source, false);
    assert!(
        warnings.starts_with("warning: the parameter `idle` is never used\n --> e.yaml:5:53"),
        "{warnings}"
    );

    let missing = shown(&source, &set(&[("wiat", "1s")]));
    assert!(missing.contains("the parameter `pid` has no value\n --> e.yaml:5:22"), "{missing}");
    assert!(missing.contains("help: give one with --set pid=…"), "{missing}");
    assert_eq!(missing.matches("error:").count(), 2, "{missing}");
    assert!(
        missing.contains("--set wiat: no such parameter") && missing.contains("did you mean `wait`?"),
        "{missing}"
    );
    let wrong = shown(&source, &set(&[("pid", "4711"), ("wait", "long")]));
    assert!(wrong.contains("`long` is not a duration\n  --> e.yaml:13:48"), "{wrong}");
    let unset = shown(&source, &ReadOptions::default());
    assert!(unset.contains("the environment variable `HOST` is not set"), "{unset}");
}

#[test]
fn the_environment_is_closed_unless_declared() {
    changed(
        "name: risk-slow",
        "name: risk-slow, title: '${env.HOME} ${nmae} ${oops'",
        &["3:37 `${` without `}` | write ${name}, or $${ for a literal ${"],
    );
    changed(
        "name: risk-slow",
        "name: risk-slow, title: '${env.HOME}'",
        &[
            "3:37 the environment variable `HOME` is not declared | add it to spec.environment: [HOME]; secrets are { secret: { env: … } }",
        ],
    );
    let asked = std::cell::RefCell::new(Vec::new());
    let environment = |name: &str| {
        asked.borrow_mut().push(name.to_owned());
        None
    };
    let options = ReadOptions { set: BTreeMap::new(), environment: &environment };
    assert!(read(&GOOD.replace("risk-slow", "'${env.HOME}'"), "e.yaml", &options).is_err());
    assert!(asked.borrow().is_empty());
}

#[test]
fn parameters_cannot_multiply() {
    let uses = "'${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}',".repeat(2_000);
    let source = GOOD.replace(
        "spec:\n",
        &format!("spec:\n  parameters: {{ a: {} }}\n  environment: []\n  x: [{uses}]\n", "y".repeat(4_000)),
    );
    let found = shown(&source, &ReadOptions::default());
    assert!(found.contains("parameters put in more than 1 MiB"), "{}", &found[..500]);
}

#[test]
fn an_inline_slo_is_handed_on_with_its_place() {
    let inline = "slo: { metadata: { name: inline }, spec: { service: risk }, tolerance: { burnRate: 5 } }";
    let checked =
        read(&GOOD.replace("slo: { ref: qr-pay }", inline), "e.yaml", &ReadOptions::default()).unwrap();
    let place = checked.inline_slo(0).unwrap();
    assert_eq!((place.path.to_string().as_str(), place.span().line), ("spec.steadyState[0].slo", 6));
    let SteadyState::Slo(slo) = &checked.experiment.spec.steady_state[0] else { panic!() };
    assert_eq!((slo.name.as_str(), slo.tolerance), ("inline", Some(crate::ToleranceSpec::BurnRate(5.0))));
    assert!(checked.inline_slo(1).is_none());
}

use steadfast_experiment::{ReadOptions, read};
use steadfast_model::{RunId, event::Tolerance};

use super::*;

const TEXT: &str = "
apiVersion: steadfast.dev/v1alpha1
kind: Experiment
metadata: { name: risk-slow, title: It survives }
spec:
  steadyState:
    - slo: { ref: pay }
    - http: { name: home, url: 'http://127.0.0.1:1/', tolerance: { absolute: 1% } }
  load:
    - http: { name: pay, url: 'http://127.0.0.1:1/pay', rate: 50/s }
  method:
    - wait: 5s
    - inject: { fault: { processPause: {} }, into: { service: risk }, for: 20s }
    - wait: 10s
    - inject: { fault: { processKill: {} }, into: { service: wallet }, for: 30s }
  expect:
    - recovery: { within: 40s }
  guards:
    - metric: { name: pay, above: 50%, for: 2500ms }
";

fn checked(text: &str) -> Checked {
    read(text, "test.yaml", &ReadOptions::default()).unwrap()
}

fn slos(target: f64) -> Vec<Slo> {
    let text = format!(
        "
apiVersion: openslo/v1
kind: SLO
metadata: {{ name: pay }}
spec:
  service: gateway
  indicator:
    metadata: {{ name: pay-good }}
    spec:
      ratioMetric:
        good: {{ metricSource: {{ type: steadfast.dev/load, spec: {{ status: 2xx }} }} }}
        total: {{ metricSource: {{ type: steadfast.dev/load, spec: {{}} }} }}
  timeWindow: [{{ duration: 28d, isRolling: true }}]
  budgetingMethod: Occurrences
  objectives: [{{ target: {target} }}]
"
    );
    match steadfast_slo::read_slos(&text) {
        Ok(file) => file.slos,
        Err(problems) => panic!("{problems:?}"),
    }
}

fn plan(text: &str, slos: &[Slo]) -> Result<Plan, String> {
    from(&checked(text), slos)
        .map_err(|problems| problems.all().iter().map(|problem| format!("{problem}\n")).collect())
}

#[test]
fn an_experiment_becomes_a_plan() {
    let plan = plan(TEXT, &slos(0.999)).unwrap();
    let recorded = plan.run_plan();
    assert_eq!(recorded.baseline.to_string(), "35s", "a wait before the first fault is more baseline");
    assert_eq!(recorded.fault.to_string(), "1m");
    assert_eq!(recorded.recovery.to_string(), "47s", "long enough to see 40 s and what it takes to know");
    let injections: Vec<_> =
        recorded.injections.iter().map(|planned| (planned.offset.to_string(), planned.reversible)).collect();
    assert_eq!(injections, [("0s".to_owned(), true), ("30s".to_owned(), false)]);
    let Tolerance::Absolute(share) = recorded.metrics[0].tolerance else { panic!("an SLO is absolute") };
    assert!((share - 0.01).abs() < 1e-12, "ten times the error budget");
    assert!(matches!(&plan.guards[0], Guard::Metric { intervals: 3, .. }));
    let begin = plan.begin(RunId::new());
    assert!(begin.name.starts_with("risk-slow-"));
    assert_eq!(begin.document_digest.len(), 64);
}

#[test]
fn every_plan_has_injections_of_its_own() {
    let ids = || plan(TEXT, &slos(0.999)).unwrap().injections().next().unwrap().id;
    assert_ne!(ids(), ids());
}

#[test]
fn all_problems_are_found_with_their_paths() {
    let text = TEXT.replace("for: 20s", "for: 200ms");
    let text = text.replace("  expect:", "    - wait: 1s\n  expect:");
    let found = plan(&text, &[]).unwrap_err();
    for wanted in ["spec.steadyState[0].slo.ref:", "spec.method[1].inject.for:", "spec.method[4].wait:"] {
        assert!(found.contains(wanted), "{wanted} in\n{found}");
    }
    let loose = plan(TEXT, &slos(0.5)).unwrap_err();
    assert!(loose.contains("every event may be bad"), "{loose}");
}

#[test]
fn an_slo_and_the_load_it_counts_agree_on_what_is_good() {
    let text = TEXT.replace("rate: 50/s", "rate: 50/s, accept: ['2xx', '404']");
    let found = plan(&text, &slos(0.999)).unwrap_err();
    assert!(found.contains("the load `pay` accepts 2xx or 404"), "{found}");
}

/// All YAML files of a folder of the project.
fn texts(folder: &str) -> Vec<(String, String)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder);
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let yaml = files.filter(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    yaml.map(|path| (path.display().to_string(), std::fs::read_to_string(&path).unwrap())).collect()
}

#[test]
fn every_experiment_that_is_shipped_becomes_a_plan() {
    let (demo, examples) = (texts("crates/demo/documents"), texts("examples"));
    let is = |text: &str, what: &str| text.lines().any(|line| line.trim() == what);
    let files = demo.iter().filter(|(_, text)| text.contains("openslo/v1"));
    let slos: Vec<Slo> = files.flat_map(|(_, text)| steadfast_slo::read_slos(text).unwrap().slos).collect();
    let mut count = 0;
    for (file, text) in demo.iter().chain(&examples).filter(|(_, text)| is(text, "kind: Experiment")) {
        let set = std::iter::once(("pid".to_owned(), "4711".to_owned()))
            .filter(|_| text.contains("pid:"))
            .collect();
        let options = ReadOptions { set, ..ReadOptions::default() };
        let checked = read(text, file, &options).unwrap_or_else(|problems| panic!("{file}: {problems:?}"));
        let plan = from(&checked, &slos).unwrap_or_else(|problems| panic!("{file}: {problems:?}"));
        assert!(plan.injections().count() > 0, "{file}");
        count += 1;
    }
    assert!(count >= 7, "{count} experiments");
}

/// The plan of these steps.
fn method(steps: &str) -> Plan {
    let (before, _) = TEXT.split_once("    - wait: 5s").unwrap();
    plan(&format!("{before}{steps}\n"), &slos(0.999)).unwrap()
}

fn turns(plan: &Plan) -> Vec<(usize, usize, usize, String, Option<String>)> {
    let injections = plan.run_plan().injections.into_iter();
    let told = injections.map(|one| {
        let turn = one.turn.unwrap();
        (turn.step, turn.branch, turn.place, turn.wait.to_string(), one.name)
    });
    told.collect()
}

#[test]
fn a_ramp_is_one_injection_a_step_each_with_a_name() {
    let plan = method(
        "    - inject: { fault: { tcpDelay: { latency: 1s } }, into: { service: risk }, for: 20s,
        ramp: [{ latency: 10ms }, { latency: 20ms, percent: 50% }] }",
    );
    let delays: Vec<_> = plan.run_plan().injections.iter().map(|one| one.fault["tcpDelay"].clone()).collect();
    assert_eq!(delays[0]["latency"], "10ms");
    assert_eq!((&delays[1]["latency"], &delays[1]["percent"]), (&"20ms".into(), &"50%".into()));
    let name = |with: &str| Some(format!("tcpDelay in service risk with {with}"));
    assert_eq!(
        turns(&plan),
        [
            (0, 0, 0, "0s".into(), name("latency 10ms")),
            (1, 0, 0, "0s".into(), name("latency 20ms, percent 50%"))
        ]
    );
    assert_eq!(plan.run_plan().fault.to_string(), "40s");
}

#[test]
fn repetitions_have_one_name_and_pauses_between_them() {
    let plan = method(
        "    - inject: { fault: { processPause: {} }, into: { service: risk }, for: 20s, repeat: { times: 3, pause: 7s } }",
    );
    let waits: Vec<_> = turns(&plan).into_iter().map(|(step, _, _, wait, name)| (step, wait, name)).collect();
    assert_eq!(
        waits,
        [(0, "0s".into(), None), (2, "7s".into(), None), (4, "7s".into(), None)],
        "one fault has no name"
    );
    assert_eq!(plan.run_plan().fault.to_string(), "1m14s");
}

#[test]
fn branches_begin_together_and_the_next_step_waits_for_the_longest() {
    let plan = method(
        "    - parallel:
        - inject: { fault: { processPause: {} }, into: { service: risk }, for: 20s, after: 5s }
        - run: { argv: [deploy, --now], deadline: 2m }
    - wait: 3s
    - inject: { fault: { processPause: {} }, into: { service: risk }, for: 30s }",
    );
    let (pause, again) = ("processPause in service risk", "processPause in service risk (2)");
    assert_eq!(
        turns(&plan),
        [(0, 0, 1, "5s".into(), Some(pause.into())), (2, 0, 0, "3s".into(), Some(again.into()))],
        "another length is another fault"
    );
    let recorded = plan.run_plan();
    assert_eq!(recorded.injections[1].offset.to_string(), "2m3s");
    let command = &recorded.commands[0];
    assert_eq!((command.describes.as_str(), command.turn.branch), ("`deploy …`", 1), "arguments stay out");
    assert_eq!(plan.longest().as_secs(), 30 + 153 + 30);
}

#[test]
fn too_many_faults_for_too_many_metrics_are_refused() {
    let ramp: Vec<_> = (1..=20).map(|step| format!("{{ latency: {step}ms }}")).collect();
    let step = |service: usize| {
        format!(
            "    - inject: {{ fault: {{ tcpDelay: {{ latency: 1s }} }}, into: {{ service: s{service} }}, for: 20s, ramp: [{}] }}\n",
            ramp.join(", ")
        )
    };
    let probes: String = (0..11)
        .map(|index| format!("    - http: {{ name: p{index}, url: 'http://127.0.0.1:1/', tolerance: {{ absolute: 1% }} }}\n"))
        .collect();
    let text = format!(
        "apiVersion: steadfast.dev/v1alpha1\nkind: Experiment\nmetadata: {{ name: many }}\nspec:\n  steadyState:\n{probes}  method:\n{}",
        (0..5).map(step).collect::<String>()
    );
    assert!(plan(&text, &[]).unwrap_err().contains("are 1100 to judge; at most 1000"));
}

/// The experiment with this steady state in place of its SLO.
fn with(steady: &str) -> Result<Plan, String> {
    plan(
        &TEXT
            .replace("slo: { ref: pay }", steady)
            .replace("  guards:\n    - metric: { name: pay, above: 50%, for: 2500ms }\n", ""),
        &[],
    )
}

#[test]
fn what_a_prometheus_knows_is_of_the_time_before_for_an_interval_and_the_range_of_a_query() {
    let onset = |steady: &str| with(steady).unwrap().metrics[0].onset.to_string();
    let ratio =
        "prometheus: { name: p, ratio: { bad: 'a{code=\"500\"}', total: a }, tolerance: { absolute: 5% } }";
    assert_eq!(onset(ratio), "1s");
    let value = "prometheus: { name: p, value: { query: 'sum(rate(a[5s]))', atMost: 1 }, tolerance: { absolute: 50% } }";
    assert_eq!(onset(value), "6s");
    let found = with(&value.replace("5s", "5m")).unwrap_err();
    assert!(
        found.contains(
            "spec.method[1].inject.for: 20s is too short for `p`: it shows all that is bad only 5m1s"
        ),
        "{found}"
    );
}

#[test]
fn looks_that_are_one_event_each_make_their_own_traffic() {
    let traffic = |steady: &str| with(steady).unwrap().metrics[0].traffic;
    assert_eq!(traffic("command: { name: c, argv: [check], tolerance: { absolute: 20% } }"), Some(1.0));
    let value = "prometheus: { name: p, value: { query: 'sum(rate(a[4s]))', atMost: 1 }, tolerance: { absolute: 50% } }";
    assert_eq!(traffic(value), Some(0.25));
    assert_eq!(traffic(&value.replace("rate(a[4s])", "a")), Some(1.0));
}

#[tokio::test]
async fn no_word_of_a_service_reaches_a_terminal_as_it_is() {
    let document = r#"{ "prometheus": { "value": { "query": "max(queue)", "atMost": 1 } } }"#;
    let mut watch = probe(serde_json::from_str(document).unwrap()).watch();
    let world = steadfast_probes::world::fake::FakeWorld::new();
    let nasty = r#"{ "status": "error", "errorType": "x", "error": "\u001b]0;OWNED\u0007 \u202edleh" }"#;
    world.answer(422, nasty);
    let error = watch.look(&world).await.unwrap_err();
    assert!(error.cause.ends_with("x: \u{fffd}]0;OWNED\u{fffd} \u{fffd}dleh"), "{error}");
}

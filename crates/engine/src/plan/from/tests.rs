use std::collections::BTreeMap;

use steadfast_experiment::{Checked, ReadOptions, read};
use steadfast_model::RunId;

use super::*;

const TEXT: &str = "
apiVersion: steadfast.dev/v1alpha1
kind: Experiment
metadata: { name: risk-slow, title: It survives }
spec:
  steadyState:
    - slo: { ref: pay }
    - http: { name: home, url: 'http://127.0.0.1:1/', tolerance: { absolute: 1% } }
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

fn objective(target: f64) -> Objective {
    let spec = serde_json::json!({ "http": { "url": "http://127.0.0.1:1/pay" } });
    Objective { name: "pay".to_owned(), target, probe: probe(serde_json::from_value(spec).unwrap()) }
}

fn plan(text: &str, objectives: &[Objective]) -> Result<Plan, String> {
    let checked = checked(text);
    from(&checked.experiment, &checked.digest, &BTreeMap::new(), objectives)
        .map_err(|problems| problems.all().iter().map(|problem| format!("{problem}\n")).collect())
}

#[test]
fn an_experiment_becomes_a_plan() {
    let plan = plan(TEXT, &[objective(0.999)]).unwrap();
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
    let ids = || plan(TEXT, &[objective(0.999)]).unwrap().injections().next().unwrap().id;
    assert_ne!(ids(), ids());
}

#[test]
fn all_problems_are_found_with_their_paths() {
    let text = TEXT.replace("for: 20s", "for: 200ms");
    let text = text.replace("  expect:", "    - wait: 1s\n  expect:");
    let found = plan(&text, &[]).unwrap_err();
    for wanted in ["spec.steadyState[0].slo:", "spec.method[1].inject.for:", "spec.method[4].wait:"] {
        assert!(found.contains(wanted), "{wanted} in\n{found}");
    }
    let loose = plan(TEXT, &[objective(0.5)]).unwrap_err();
    assert!(loose.contains("tolerates every event"), "{loose}");
}

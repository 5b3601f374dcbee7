//! The JSON that `steadfast verdict` reads and answers.

use serde_json::{Value, json};
use steadfast_analysis::{Finding, Increments, InputProblem, Reason, Verdict, judge};

fn read(document: Value) -> Increments {
    serde_json::from_value(document).expect("the document can be read")
}

fn example() -> Value {
    json!({ "interval": "5s", "alpha": 0.05, "beta": 0.05, "metrics": [ {
        "name": "qr-pay-availability",
        "tolerance": { "relative": 1.5 },
        "history": { "bad": [0, 1], "total": [250, 251] },
        "baseline": { "bad": [0, 1], "total": [250, 251] },
        "fault": { "bad": [0, 2, null], "total": [249, 250, null] },
        "dispersion": { "abort": 1.0, "end": 1.0 } } ] })
}

fn problems(change: impl Fn(&mut Value)) -> Vec<InputProblem> {
    let mut document = example();
    change(&mut document);
    judge(&read(document)).expect_err("there are problems")
}

#[test]
fn example_is_answered_with_the_fields_promised() {
    let finding = judge(&read(example())).unwrap();
    let answer = serde_json::to_value(&finding).unwrap();
    for field in ["verdict", "reason", "stoppedAt", "metrics"] {
        assert!(answer.get(field).is_some(), "{field}");
    }
    let metric = &answer["metrics"][0];
    for field in [
        "name",
        "verdict",
        "reason",
        "baselineRate",
        "faultRate",
        "ratio",
        "ratioInterval",
        "dispersion",
        "lnEvidence",
        "lnHold",
        "pHarm",
        "pHeld",
        "completeness",
    ] {
        assert!(metric.get(field).is_some(), "{field}");
    }
    assert_eq!(answer["verdict"], "inconclusive");
    assert_eq!(answer["stoppedAt"], Value::Null);
    assert_eq!(metric["lnEvidence"].as_array().unwrap().len(), 3);
    assert_eq!(metric["dispersion"], json!({ "abort": 1.0, "end": 1.0 }));
    assert_eq!(metric["completeness"], json!(2.0 / 3.0));
    assert_eq!(answer["reason"].as_object().unwrap().len(), 1, "one key names the reason");
}

#[test]
fn optional_fields_have_their_defaults() {
    let document = json!({ "interval": "1m", "metrics": [ { "name": "a", "tolerance": { "absolute": 0.1 },
        "baseline": { "bad": [0], "total": [9] }, "fault": { "bad": [0], "total": [9] } } ] });
    let increments = read(document);
    assert_eq!((increments.alpha, increments.beta), (0.05, 0.05));
    judge(&increments).unwrap();
}

#[test]
fn unknown_fields_and_intervals_are_refused_by_name() {
    let mut document = example();
    document["metrics"][0]["dispertion"] = json!({});
    let error = serde_json::from_value::<Increments>(document).unwrap_err().to_string();
    assert!(error.contains("dispertion"), "{error}");
    let mut document = example();
    document["interval"] = json!("5 parsecs");
    let error = serde_json::from_value::<Increments>(document).unwrap_err().to_string();
    assert!(error.contains("5 parsecs") && error.contains("`5s`"), "{error}");
}

#[test]
fn everything_wrong_is_listed_at_once() {
    let found = problems(|document| {
        document["alpha"] = json!(0.0);
        document["beta"] = json!(0.7);
        document["metrics"][0]["name"] = json!(" ");
        document["metrics"][0]["tolerance"] = json!({ "relative": 0.5 });
        document["metrics"][0]["dispersion"]["end"] = json!(0.9);
        document["metrics"][0]["history"]["bad"] = json!([1]);
        document["metrics"][0]["baseline"]["bad"] = json!([-1, 1e12]);
        document["metrics"][0]["fault"]["bad"] = json!([0, 251, 7]);
    });
    let paths: Vec<&str> = found.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "alpha",
            "beta",
            "metrics[0].name",
            "metrics[0].tolerance.relative",
            "metrics[0].dispersion.end",
            "metrics[0].history",
            "metrics[0].baseline.bad[0]",
            "metrics[0].baseline.bad[1]",
            "metrics[0].baseline.bad[1]",
            "metrics[0].fault.bad[1]",
            "metrics[0].fault.bad[2]",
        ]
    );
}

#[test]
fn numbers_that_are_none_are_refused() {
    let mut increments = read(example());
    increments.metrics[0].fault.total[0] = Some(f64::NAN);
    increments.metrics[0].fault.bad[1] = Some(f64::INFINITY);
    increments.alpha = f64::NAN;
    let found = judge(&increments).unwrap_err();
    assert!(found.len() >= 3, "{found:?}");
    assert!(found[0].to_string().starts_with("alpha: NaN is out of range"), "{}", found[0]);
}

#[test]
fn limits_are_stated() {
    let few = problems(|document| document["metrics"] = json!([]));
    assert_eq!(few[0].message, "empty: nothing to judge");
    let many = problems(|document| {
        let metric = document["metrics"][0].clone();
        document["metrics"] = Value::Array(vec![metric; 1_001]);
    });
    assert!(many[0].message.contains("at most 1000"), "{}", many[0]);
    assert_eq!(many.len(), 101, "after a hundred the rest is counted");
    let mut increments = read(example());
    increments.metrics[0].fault.bad = vec![Some(0.0); 1_000_001];
    increments.metrics[0].fault.total = vec![Some(1.0); 1_000_001];
    assert!(judge(&increments).unwrap_err()[0].message.contains("at most 1000000"));
}

#[test]
fn metrics_must_share_their_intervals() {
    let found = problems(|document| {
        let mut other = document["metrics"][0].clone();
        other["name"] = json!("other");
        other["fault"] = json!({ "bad": [0], "total": [1] });
        document["metrics"].as_array_mut().unwrap().push(other);
    });
    assert_eq!(found[0].path, "metrics[1].fault");
}

fn with_control(change: impl Fn(&mut Value)) -> Value {
    let mut document = example();
    document["metrics"][0]["control"] = json!({
        "history": { "bad": [1, 0], "total": [250, 251] },
        "baseline": { "bad": [1, 0], "total": [250, 251] },
        "fault": { "bad": [1, 0, 1], "total": [252, 250, 251] } });
    change(&mut document);
    document
}

#[test]
fn a_control_group_is_compared_interval_by_interval() {
    let finding = judge(&read(with_control(|_| {}))).unwrap();
    let answer = serde_json::to_value(&finding.metrics[0]).unwrap();
    assert_eq!(
        answer["control"]["fault"],
        json!({ "bad": 1.0, "total": 502.0 }),
        "a gap here is a gap there"
    );
    assert_eq!(answer["completeness"], json!(2.0 / 3.0));
    assert_eq!(answer["ratioInterval"], Value::Null);
    assert!(
        serde_json::to_value(judge(&read(example())).unwrap().metrics[0].clone())
            .unwrap()
            .get("control")
            .is_none()
    );

    let silent = with_control(|document| {
        document["metrics"][0]["control"]["fault"] = json!({ "bad": [0, 0, 0], "total": [0, 0, 0] });
    });
    let finding = judge(&read(silent)).unwrap();
    assert_eq!(
        serde_json::to_value(&finding.reason).unwrap(),
        json!({ "noTraffic": { "window": "control" } })
    );
}

#[test]
fn a_control_group_that_does_not_fit_is_refused() {
    let found = judge(&read(with_control(|document| {
        let metric = &mut document["metrics"][0];
        metric["tolerance"] = json!({ "absolute": 0.01 });
        metric["control"]["baseline"] = json!({ "bad": [0], "total": [9] });
        metric["control"]["fault"]["bad"][0] = json!(-1);
        metric["control"].as_object_mut().unwrap().remove("history");
    })))
    .unwrap_err();
    let paths: Vec<&str> = found.iter().map(|problem| problem.path.as_str()).collect();
    let control = "metrics[0].control";
    let expected = ["", ".history", ".baseline", ".fault.bad[0]"].map(|path| format!("{control}{path}"));
    assert_eq!(paths, expected);
}

#[test]
fn groups_that_differ_before_the_fault_blame_nothing_on_it() {
    let steady = |bad: f64| json!({ "bad": vec![bad; 200], "total": vec![500; 200] });
    for (ours, theirs) in [(40.0, 5.0), (5.0, 40.0)] {
        let document = json!({ "interval": "5s", "metrics": [ { "name": "a", "tolerance": { "relative": 1.5 },
            "baseline": steady(ours), "fault": steady(ours),
            "control": { "baseline": steady(theirs), "fault": steady(theirs) } } ] });
        let finding = judge(&read(document)).unwrap();
        let reason = serde_json::to_value(&finding.reason).unwrap();
        assert!(reason["steadyStateNotMet"]["problem"].get("groupsDiffer").is_some(), "{reason}");
        assert_eq!(finding.verdict, Verdict::Inconclusive);
    }
}

#[test]
fn findings_survive_json_bit_by_bit() {
    let mut document = example();
    document["metrics"][0]["fault"] = json!({ "bad": [3, 1, 7], "total": [251, 249, 263] });
    let finding = judge(&read(document)).unwrap();
    let text = serde_json::to_string(&finding).unwrap();
    assert_eq!(serde_json::from_str::<Finding>(&text).unwrap(), finding);
}

#[test]
fn baseline_without_errors_has_no_ratio_and_an_open_interval() {
    let mut document = example();
    document["metrics"][0]["baseline"] = json!({ "bad": [0, 0], "total": [250, 251] });
    let finding = judge(&read(document)).unwrap();
    let metric = serde_json::to_value(&finding.metrics[0]).unwrap();
    assert_eq!(metric["ratio"], Value::Null);
    assert_eq!(metric["ratioInterval"][1], Value::Null);
    assert!(metric["ratioInterval"][0].is_number());
}

#[test]
fn no_traffic_answers_null_rates() {
    let mut document = example();
    document["metrics"][0]["fault"] = json!({ "bad": [0, 0], "total": [0, 0] });
    let finding = judge(&read(document)).unwrap();
    assert_eq!(finding.verdict, Verdict::Inconclusive);
    assert_eq!(serde_json::to_value(&finding.reason).unwrap(), json!({ "noTraffic": { "window": "fault" } }));
    assert_eq!(serde_json::to_value(&finding.metrics[0]).unwrap()["faultRate"], Value::Null);
    assert!(matches!(finding.reason, Reason::NoTraffic { .. }));
}

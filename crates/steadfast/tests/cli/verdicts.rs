//! `verdict`: counts in, a judgement out.

use crate::support::Place;

/// A document with one metric; as many intervals of 250 events as `bad` has entries.
fn document(tolerance: &str, fault: &[u32]) -> String {
    let counts = |bad: &[u32]| {
        let total = vec![250; bad.len()];
        format!(r#"{{ "bad": {bad:?}, "total": {total:?} }}"#)
    };
    let (baseline, fault) = (counts(&[0, 1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0]), counts(fault));
    format!(
        r#"{{ "interval": "5s", "alpha": 0.05, "beta": 0.05, "metrics": [ {{ "name": "qr-pay-availability",
            "tolerance": {tolerance}, "baseline": {baseline}, "fault": {fault} }} ] }}"#
    )
}

#[test]
fn a_steady_system_is_held_and_a_broken_one_refuted() {
    let place = Place::new();
    let held = place.write("held.json", &document(r#"{ "absolute": 0.02 }"#, &[0; 60]));
    place.run(&["verdict", &held]).expect(0).says("held").says("qr-pay-availability");
    let refuted = place.write("refuted.json", &document(r#"{ "absolute": 0.02 }"#, &[80; 12]));
    let output = place.run(&["verdict", &refuted, "--output", "json"]).expect(1).json();
    assert_eq!(output["verdict"], "refuted");
    assert!(output["stoppedAt"].as_u64().unwrap() < 12, "{output}");
    let metric = &output["metrics"][0];
    assert_eq!(metric["lnEvidence"].as_array().unwrap().len(), 12, "one an interval: {metric}");
    assert_eq!(metric["pHarm"], serde_json::Value::Null, "no fixed-horizon number after an early stop");
    assert!(!place.state().exists(), "judging needs no state");
}

#[test]
fn the_documented_example_is_judged_with_every_field() {
    let place = Place::new();
    let example = r#"{ "interval": "5s", "alpha": 0.05, "beta": 0.05,
        "metrics": [ { "name": "qr-pay-availability", "tolerance": { "relative": 1.5 },
            "history": { "bad": [0,1], "total": [250,251] }, "baseline": { "bad": [0,1], "total": [250,251] },
            "fault": { "bad": [0,2], "total": [249,250] }, "dispersion": { "abort": 1.0, "end": 1.0 } } ] }"#;
    let file = place.write("example.json", example);
    let output = place.run(&["verdict", &file, "--output", "json"]).expect(2).json();
    let sentence = output["reason"].to_string();
    assert_eq!((&output["verdict"], sentence.len() > 10), (&"inconclusive".into(), true), "{output}");
    let metric = output["metrics"][0].as_object().unwrap();
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
        assert!(metric.contains_key(field), "{field}");
    }
    assert_eq!(metric["dispersion"], serde_json::json!({ "abort": 1.0, "end": 1.0 }));
    assert!((metric["faultRate"].as_f64().unwrap() - 2.0 / 499.0).abs() < 1e-12);
}

#[test]
fn no_traffic_has_no_rate_and_proves_nothing() {
    let place = Place::new();
    let text = document(r#"{ "absolute": 0.02 }"#, &[0; 12]);
    let (before, after) = text.split_once("\"fault\"").unwrap();
    let silent = format!("{before}\"fault\"{}", after.replace("250", "0"));
    let file = place.write("silent.json", &silent);
    let output = place.run(&["verdict", &file, "--output", "json"]).expect(2).json();
    assert_eq!(output["metrics"][0]["faultRate"], serde_json::Value::Null, "{output}");
}

#[test]
fn a_batch_answers_every_line_and_says_when_one_made_no_sense() {
    let place = Place::new();
    let one_line = |text: String| text.replace('\n', " ");
    let good = one_line(document(r#"{ "absolute": 0.02 }"#, &[0; 60]));
    let file = place.write("good.jsonl", &format!("{good}\n\n{good}\n"));
    let output = place.run(&["verdict", "--batch", &file]).expect(0);
    assert_eq!(output.stdout.lines().count(), 2);
    let file = place.write("mixed.jsonl", &format!("{good}\nnonsense\n{good}\n"));
    let output = place.run(&["verdict", "--batch", &file]).expect(65);
    let answers: Vec<serde_json::Value> =
        output.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&answers[0]["verdict"], &answers[2]["verdict"]), (&"held".into(), &"held".into()));
    assert!(answers[1]["problems"].is_array(), "{}", answers[1]);
}

#[test]
fn documents_that_make_no_sense_are_refused() {
    let place = Place::new();
    let good = document(r#"{ "absolute": 0.02 }"#, &[0; 12]);
    for (change, to) in [
        ("0.02", "-0.02"),
        ("0.02", "1e999"),
        (r#""absolute""#, r#""absolut""#),
        (r#""alpha": 0.05"#, r#""alpha": 1.5"#),
        (r#""interval": "5s""#, r#""interval": "5 parsecs""#),
        ("[250, 250, ", "[250, "),
        ("[250, 250, ", "[250, -250, "),
        ("[0, 1, 0,", "[0, 251, 0,"),
    ] {
        assert!(good.contains(change), "{change}");
        let file = place.write("bad.json", &good.replacen(change, to, 1));
        place.run(&["verdict", &file]).expect(65).says("error:");
    }
    place.run(&["verdict", "nowhere.json"]).expect(65).says("nowhere.json");
}

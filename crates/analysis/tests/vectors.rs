//! Agreement with the reference implementation's test vectors (`data/verdict_vectors.json`).

use serde_json::Value;
use steadfast_analysis::Tally;
use steadfast_analysis::evidence::{ControlEvidence, Mixture};

const VECTORS: &str = include_str!("data/verdict_vectors.json");

fn number(vector: &Value, key: &str) -> f64 {
    vector[key].as_f64().unwrap_or_else(|| panic!("{key} in {vector}"))
}

fn numbers(vector: &Value, key: &str) -> Vec<f64> {
    vector[key].as_array().expect("a list").iter().map(|value| value.as_f64().expect("a number")).collect()
}

fn assert_close(ours: f64, theirs: f64, vector: &Value) {
    assert!((ours - theirs).abs() <= 1e-9 * theirs.abs().max(1.0), "{ours} is not {theirs} for {vector}");
}

#[test]
fn evidence_agrees_with_the_reference_vectors() {
    let document: Value = serde_json::from_str(VECTORS).unwrap();
    let vectors = document["vectors"].as_array().unwrap();
    assert_eq!(vectors.len(), 14);
    let (harm, hold) = (Mixture::harm(), Mixture::hold());
    for vector in vectors {
        let phi = number(vector, "phi");
        match vector["kind"].as_str().unwrap() {
            "abs" => {
                let (bad, allowed) = (number(vector, "E"), number(vector, "mN"));
                assert_close(harm.absolute(bad, allowed, phi), number(vector, "abort"), vector);
                assert_close(hold.absolute(bad, allowed, phi), number(vector, "hold"), vector);
            }
            "rel" => {
                let fault = Tally::new(number(vector, "E"), number(vector, "N"));
                let baseline = Tally::new(number(vector, "eB"), number(vector, "nB"));
                let rho = number(vector, "rho");
                assert_close(harm.relative(fault, baseline, rho, phi), number(vector, "abort"), vector);
                assert_close(hold.relative(fault, baseline, rho, phi), number(vector, "hold"), vector);
            }
            "ctl" => {
                let mut evidence = ControlEvidence::new(Mixture::harm(), number(vector, "rho"), phi);
                let [bad, control_bad, total, control_total] =
                    ["eE", "eC", "nE", "nC"].map(|key| numbers(vector, key));
                for (index, expected) in numbers(vector, "abort").into_iter().enumerate() {
                    let experiment = Tally::new(bad[index], total[index]);
                    let control = Tally::new(control_bad[index], control_total[index]);
                    assert_close(evidence.feed(experiment, control), expected, vector);
                }
            }
            other => panic!("unknown kind {other}"),
        }
    }
}

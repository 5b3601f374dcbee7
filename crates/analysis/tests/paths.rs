//! Full paths against the reference implementation (`data/paths.json`, written by `data/make_paths.py`).

use serde::Deserialize;
use steadfast_analysis::evidence::{ControlEvidence, Mixture};
use steadfast_analysis::{
    Counts, Dispersion, EndTest, Increments, Interval, Metric, Tally, Tolerance, batch_means,
    batch_means_control, judge,
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
enum Path {
    #[serde(rename_all = "camelCase")]
    Relative {
        rho: f64,
        history: Counts,
        baseline_length: usize,
        fault: Counts,
        hats: [f64; 2],
        abort: f64,
        end: f64,
        ln_evidence: Vec<f64>,
        ln_hold: Vec<f64>,
        p_harm: f64,
        p_held: f64,
    },
    #[serde(rename_all = "camelCase")]
    Absolute {
        tolerated: f64,
        baseline: Counts,
        fault: Counts,
        phi: f64,
        ln_evidence: Vec<f64>,
        ln_hold: Vec<f64>,
        p_harm: f64,
        p_held: f64,
    },
    #[serde(rename_all = "camelCase")]
    Control {
        rho: f64,
        experiment_history: Counts,
        control_history: Counts,
        experiment: Counts,
        control: Counts,
        hat: f64,
        ln_evidence: Vec<f64>,
        ln_hold: Vec<f64>,
    },
}

/// What the reference says of a path.
struct Expected<'a> {
    dispersion: Dispersion,
    ln_evidence: &'a [f64],
    ln_hold: &'a [f64],
    p_harm: f64,
    p_held: f64,
}

fn paths() -> Vec<Path> {
    serde_json::from_str(include_str!("data/paths.json")).expect("paths.json holds paths")
}

fn seconds() -> Interval {
    Interval::from_seconds(5)
}

#[track_caller]
fn assert_close(ours: f64, theirs: f64) {
    assert!((ours - theirs).abs() <= 1e-9 * theirs.abs().max(1.0), "{ours} is not {theirs}");
}

/// Tails may be tiny, so they are compared relatively.
#[track_caller]
fn assert_same_tail(ours: f64, theirs: f64) {
    assert!((ours - theirs).abs() <= 1e-9 * theirs.abs() + 1e-290, "{ours} is not {theirs}");
}

fn compare(metric: Metric, expected: &Expected<'_>) {
    let test = EndTest {
        fault: metric.fault.sum(),
        baseline: metric.baseline.sum(),
        tolerance: metric.tolerance,
        dispersion: expected.dispersion.end,
    };
    assert_same_tail(test.p_harm().expect("there is traffic"), expected.p_harm);
    assert_same_tail(test.p_held().expect("there is traffic"), expected.p_held);

    let finding = judge(&Increments::new(seconds(), vec![metric])).expect("paths are valid");
    let found = &finding.metrics[0];
    assert_close(found.dispersion.abort, expected.dispersion.abort);
    assert_close(found.dispersion.end, expected.dispersion.end);
    assert_eq!(found.ln_evidence.len(), expected.ln_evidence.len());
    for (ours, theirs) in found.ln_evidence.iter().zip(expected.ln_evidence) {
        assert_close(*ours, *theirs);
    }
    let stop = expected.ln_evidence.iter().position(|&evidence| evidence >= (1.0_f64 / 0.04).ln());
    assert_eq!(finding.stopped_at, stop);
    assert_close(found.ln_hold, expected.ln_hold[stop.unwrap_or(expected.ln_hold.len() - 1)]);
    assert_eq!(found.p_harm.is_none(), stop.is_some());
    if stop.is_none() {
        assert_same_tail(found.p_harm.expect("not stopped"), expected.p_harm);
        assert_same_tail(found.p_held.expect("not stopped"), expected.p_held);
    }
}

#[test]
fn relative_and_absolute_paths_agree_with_the_reference() {
    let (mut relative, mut absolute) = (0, 0);
    for path in paths() {
        match path {
            Path::Relative {
                rho,
                history,
                baseline_length,
                fault,
                hats,
                abort,
                end,
                ln_evidence,
                ln_hold,
                p_harm,
                p_held,
            } => {
                relative += 1;
                assert_close(batch_means(&history, seconds(), 0.25).unwrap(), hats[0]);
                assert_close(batch_means(&history, seconds(), 0.10).unwrap(), hats[1]);
                let (_, baseline) = history.split_at(history.len() - baseline_length);
                let mut metric = Metric::new("path", Tolerance::Relative(rho), baseline, fault);
                metric.history = Some(history);
                let dispersion = Dispersion { abort, end };
                let expected =
                    Expected { dispersion, ln_evidence: &ln_evidence, ln_hold: &ln_hold, p_harm, p_held };
                compare(metric, &expected);
            }
            Path::Absolute { tolerated, baseline, fault, phi, ln_evidence, ln_hold, p_harm, p_held } => {
                absolute += 1;
                let mut metric = Metric::new("path", Tolerance::Absolute(tolerated), baseline, fault);
                let dispersion = Dispersion { abort: phi, end: phi };
                metric.dispersion = Some(dispersion);
                let expected =
                    Expected { dispersion, ln_evidence: &ln_evidence, ln_hold: &ln_hold, p_harm, p_held };
                compare(metric, &expected);
            }
            Path::Control { .. } => {}
        }
    }
    assert_eq!((relative, absolute), (48, 48));
}

#[test]
fn control_group_paths_agree_with_the_reference() {
    let mut control_paths = 0;
    for path in paths() {
        let Path::Control {
            rho,
            experiment_history,
            control_history,
            experiment,
            control,
            hat,
            ln_evidence,
            ln_hold,
        } = path
        else {
            continue;
        };
        control_paths += 1;
        assert_close(
            batch_means_control(&experiment_history, &control_history, seconds(), 0.25).unwrap(),
            hat,
        );
        let mut harm = ControlEvidence::new(Mixture::harm(), rho, hat);
        let mut hold = ControlEvidence::new(Mixture::hold(), rho, hat);
        for (index, (ours, theirs)) in experiment.entries().zip(control.entries()).enumerate() {
            let (ours, theirs): (Tally, Tally) = (ours.unwrap(), theirs.unwrap());
            assert_close(harm.feed(ours, theirs), ln_evidence[index]);
            assert_close(hold.feed(ours, theirs), ln_hold[index]);
        }
    }
    assert_eq!(control_paths, 12);
}

//! The targets of the verdict engine: 3 hours of history, the last hour as baseline, 10 minutes of fault, tolerance 1.5,
//! nine systems (5 to 500 requests a second, 0.01 to 0.5 % bad), four kinds of noise, 500 runs a cell. Shares have
//! binomial slack, medians that of one interval.

use super::cells::{Cell, Noise, Outcome, STEP, with_slack};
use steadfast_analysis::Tolerance;

const RUNS: u64 = 500;

/// What may go wrong, at most, and the cells in which it was simulated.
struct Limits {
    noise: Noise,
    stopped_healthy: f64,
    stopped_at_margin: f64,
}

/// Bad events of a calm fault window, at the base rate.
fn expected(cell: Cell) -> f64 {
    cell.rps * cell.base * cell.fault_seconds
}

fn check(limits: &Limits) {
    let mut seed = 1;
    for rps in [5.0, 50.0, 500.0] {
        for base in [0.000_1, 0.001, 0.005] {
            let cell = Cell {
                noise: limits.noise,
                rps,
                base,
                factor: 1.0,
                tolerance: Tolerance::Relative(1.5),
                history_seconds: 10_800.0,
                baseline_seconds: 3_600.0,
                fault_seconds: 600.0,
            };
            let factors = [1.0, 1.5, 2.0, 5.0, 20.0];
            for (factor, outcome) in factors.into_iter().zip(cell.run_each(&factors, RUNS, seed)) {
                judge(limits, Cell { factor, ..cell }, outcome);
            }
            seed += 1;
        }
    }
}

fn judge(limits: &Limits, cell: Cell, outcome: Outcome) {
    let at_most = |share: f64, limit: f64, what: &str| {
        assert!(share <= with_slack(limit, RUNS), "{what}: {cell:?} {outcome:?}");
    };
    let at_least = |share: f64, limit: f64, what: &str| {
        assert!(share >= 1.0 - with_slack(1.0 - limit, RUNS), "{what}: {cell:?} {outcome:?}");
    };
    let expected = expected(cell);
    // The steady-state gate stands before the verdict: such a run injects nothing.
    at_most(outcome.unsteady, 0.005, "unsteady");
    let known = matches!(limits.noise, Noise::Independent | Noise::Wandering);
    match cell.factor {
        1.0 => {
            at_most(outcome.stopped, limits.stopped_healthy, "stopped though healthy");
            if expected <= 3.1 {
                at_least(1.0 - outcome.held - outcome.refuted, 0.97, "says something of nothing");
            }
        }
        1.5 => {
            at_most(outcome.stopped, limits.stopped_at_margin, "stopped at the margin");
            at_most(outcome.held, 0.05, "held at the margin");
        }
        2.0 => at_most(outcome.held, 0.005, "held at twice the rate"),
        5.0 => {
            assert_eq!(outcome.held, 0.0, "held at five times the rate: {cell:?}");
            if known && expected >= 29.0 {
                at_least(outcome.refuted, 0.995, "x5 found");
                assert!(outcome.median_stop_seconds <= Some(90.0 + STEP), "{cell:?} {outcome:?}");
            } else if known && expected >= 14.0 {
                at_least(outcome.refuted, 0.98, "x5 found");
            }
        }
        _ => {
            assert_eq!(outcome.held, 0.0, "held at twenty times the rate: {cell:?}");
            if known && expected >= 2.9 {
                at_least(outcome.refuted, 0.99, "x20 found");
                assert!(outcome.median_stop_seconds <= Some(45.0 + STEP), "{cell:?} {outcome:?}");
            }
        }
    }
}

#[test]
fn targets_are_met_when_bad_events_are_independent() {
    check(&Limits { noise: Noise::Independent, stopped_healthy: 0.005, stopped_at_margin: 0.05 });
}

#[test]
fn targets_are_met_when_the_rate_wanders() {
    check(&Limits { noise: Noise::Wandering, stopped_healthy: 0.005, stopped_at_margin: 0.05 });
}

#[test]
fn targets_are_met_when_bad_events_come_in_bursts() {
    check(&Limits { noise: Noise::Bursts, stopped_healthy: 0.02, stopped_at_margin: 0.05 });
}

#[test]
fn targets_are_met_when_the_rate_drifts() {
    check(&Limits { noise: Noise::Drift, stopped_healthy: 0.005, stopped_at_margin: 0.05 });
}

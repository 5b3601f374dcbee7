//! Error rates and power of relative tolerances after a history long enough to learn dispersion from: 3 h of history,
//! the last hour as baseline, 10 minutes of fault, tolerance 1.5.

use super::cells::{Cell, NOISES, Noise, Outcome, with_slack};
use steadfast_analysis::Tolerance;

const RUNS: u64 = 300;

fn cells(factor: f64, check: impl Fn(Cell, Outcome)) {
    let mut seed = 1;
    for noise in NOISES {
        for (rps, base) in [(5.0, 0.005), (50.0, 0.001), (50.0, 0.005), (500.0, 0.001)] {
            let cell = Cell {
                noise,
                rps,
                base,
                factor,
                tolerance: Tolerance::Relative(1.5),
                history_seconds: 10_800.0,
                baseline_seconds: 3_600.0,
                fault_seconds: 600.0,
            };
            let outcome = cell.run(RUNS, seed);
            assert!(outcome.unsteady <= 0.005, "{cell:?} {outcome:?}");
            check(cell, outcome);
            seed += 1;
        }
    }
}

#[test]
fn healthy_systems_are_hardly_ever_refuted() {
    cells(1.0, |cell, outcome| {
        let allowed = if cell.noise == Noise::Bursts { 0.02 } else { 0.005 };
        assert!(outcome.refuted <= with_slack(allowed, RUNS), "{cell:?} {outcome:?}");
        if cell.noise == Noise::Independent && cell.rps * cell.base >= 0.25 {
            assert!(outcome.held >= 0.95, "{cell:?} {outcome:?}");
        }
    });
}

#[test]
fn at_the_margin_both_errors_are_bounded() {
    cells(1.5, |cell, outcome| {
        assert!(outcome.held <= with_slack(0.05, RUNS), "{cell:?} {outcome:?}");
        assert!(outcome.refuted <= with_slack(0.05, RUNS), "{cell:?} {outcome:?}");
    });
}

#[test]
fn fivefold_rates_are_found_within_minutes() {
    cells(5.0, |cell, outcome| {
        assert_eq!(outcome.held, 0.0, "{cell:?}");
        let expected = cell.rps * cell.base * cell.fault_seconds;
        if cell.noise != Noise::Bursts && expected >= 30.0 {
            assert!(outcome.refuted >= 0.985, "{cell:?} {outcome:?}");
            assert!(outcome.median_stop_seconds <= Some(90.0), "{cell:?} {outcome:?}");
        }
    });
}

//! Error rates of absolute tolerances, with and without history: at the tolerance itself a run is wrongly held in at
//! most `beta` and refuted in at most `alpha` of runs, however far below it the baseline is.

use super::cells::{Cell, NOISES, Outcome, with_slack};
use steadfast_analysis::Tolerance;

/// A group of cells: traffic and tolerances, how many times lower the base rate is, history and fault lengths.
struct Group {
    systems: &'static [(f64, f64)],
    below: &'static [f64],
    windows: &'static [(f64, f64)],
    runs: u64,
}

const COLD: Group = Group {
    systems: &[(50.0, 0.01), (50.0, 0.05), (200.0, 0.001), (200.0, 0.01), (1000.0, 0.001), (1000.0, 0.01)],
    below: &[2.0, 100.0],
    windows: &[(0.0, 30.0), (0.0, 60.0), (0.0, 120.0), (0.0, 600.0)],
    runs: 500,
};
const WARM: Group = Group {
    systems: &[(50.0, 0.05), (200.0, 0.01), (1000.0, 0.001), (1000.0, 0.01)],
    below: &[2.0, 10.0, 100.0],
    windows: &[(1800.0, 60.0), (1800.0, 120.0)],
    runs: 300,
};

impl Group {
    /// Runs all cells. At the margin the fault lifts the base rate to the tolerance; otherwise it does nothing.
    fn run(&self, margin: bool, check: impl Fn(Cell, Outcome)) {
        let mut seed = 1;
        for noise in NOISES {
            for &(rps, tolerated) in self.systems {
                for &below in self.below {
                    for &(history_seconds, fault_seconds) in self.windows {
                        let cell = Cell {
                            noise,
                            rps,
                            base: tolerated / below,
                            factor: if margin { below } else { 1.0 },
                            tolerance: Tolerance::Absolute(tolerated),
                            history_seconds,
                            baseline_seconds: 60.0,
                            fault_seconds,
                        };
                        check(cell, cell.run(self.runs, seed));
                        seed += 1;
                    }
                }
            }
        }
    }

    fn errs_rarely(&self) {
        self.run(true, |cell, outcome| {
            assert!(outcome.held <= with_slack(0.05, self.runs), "{cell:?} {outcome:?}");
            assert!(outcome.refuted <= with_slack(0.05, self.runs), "{cell:?} {outcome:?}");
        });
    }
}

#[test]
fn at_the_tolerance_a_cold_start_errs_rarely() {
    COLD.errs_rarely();
}

#[test]
fn at_the_tolerance_a_known_history_errs_rarely() {
    WARM.errs_rarely();
}

#[test]
fn a_calm_system_holds_even_from_a_cold_start() {
    Group { runs: 100, below: &[100.0], ..COLD }.run(false, |cell, outcome| {
        let Tolerance::Absolute(tolerated) = cell.tolerance else { panic!("{cell:?}") };
        let allowed = tolerated * cell.rps * cell.fault_seconds;
        assert_eq!(outcome.refuted, 0.0, "{cell:?}");
        if allowed < 10.0 {
            assert_eq!(outcome.held, 0.0, "{cell:?}");
        } else if allowed > 50.0 {
            assert!(outcome.held > 0.9, "{cell:?} {outcome:?}");
        }
    });
}

#[test]
fn harm_far_beyond_the_tolerance_is_found_at_once() {
    for noise in NOISES {
        let cell = Cell {
            noise,
            rps: 100.0,
            base: 0.0001,
            factor: 3000.0,
            tolerance: Tolerance::Absolute(0.01),
            history_seconds: 0.0,
            baseline_seconds: 30.0,
            fault_seconds: 30.0,
        };
        let outcome = cell.run(200, 1);
        assert!(outcome.refuted > 1.0 - 1e-9, "{noise:?} {outcome:?}");
        assert!(outcome.median_stop_seconds <= Some(5.0), "{noise:?} {outcome:?}");
    }
}

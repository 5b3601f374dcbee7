//! Error rates when dispersion is learned from the short baselines of many earlier runs, put one after the other: whole
//! minutes of each, never a block of two runs, as the engine stores them.

use super::cells::{Cell, NOISES, Noise, STEP, System, with_slack};
use steadfast_analysis::{Counts, Increments, Interval, Judge, Metric, Tolerance, Verdict};

const RUNS: u64 = 300;

/// A run of `cell` after so many earlier runs with one minute of baseline each.
fn verdict(cell: Cell, earlier: u64, seed: u64) -> (Verdict, bool) {
    let mut history = Counts::default();
    for run in 0..earlier {
        let mut system = System::new(cell, seed.wrapping_mul(7_919).wrapping_add(run));
        system.window(60.0, 1.0).entries().for_each(|entry| history.push(entry));
    }
    let mut system = System::new(cell, seed.wrapping_mul(7_919).wrapping_add(earlier));
    let baseline = system.window(cell.baseline_seconds, 1.0);
    let mut metric = Metric::new("simulated", cell.tolerance, baseline, Counts::default());
    metric.history = Some(history);
    let setup = Increments::new(Interval::from_seconds(STEP as u64), vec![metric]);
    let mut judge = Judge::new(&setup).unwrap();
    for entry in system.window(cell.fault_seconds, cell.factor).entries() {
        if judge.feed(&[entry.into()]).stop {
            break;
        }
    }
    let finding = judge.conclude();
    (finding.verdict, finding.stopped_at.is_some())
}

fn cells(factor: f64, check: impl Fn(Cell, f64, f64)) {
    let mut seed = 1;
    for noise in NOISES {
        for (rps, base) in [(50.0, 0.001), (50.0, 0.01), (200.0, 0.003), (1_000.0, 0.001), (1_000.0, 0.01)] {
            for (baseline_seconds, fault_seconds) in [(60.0, 60.0), (60.0, 300.0)] {
                for earlier in [15, 60] {
                    let tolerance = Tolerance::Relative(1.5);
                    let cell = Cell {
                        noise,
                        rps,
                        base,
                        factor,
                        tolerance,
                        history_seconds: 0.0,
                        baseline_seconds,
                        fault_seconds,
                    };
                    let (mut held, mut refuted) = (0.0, 0.0);
                    for run in 0..RUNS {
                        let (verdict, _) = verdict(cell, earlier, seed * 1_000_003 + run);
                        held += f64::from(verdict == Verdict::Held) / RUNS as f64;
                        refuted += f64::from(verdict == Verdict::Refuted) / RUNS as f64;
                    }
                    check(cell, held, refuted);
                    seed += 1;
                }
            }
        }
    }
}

#[test]
fn at_the_margin_stored_baselines_err_rarely() {
    cells(1.5, |cell, held, refuted| {
        assert!(held <= with_slack(0.02, RUNS), "{cell:?} held {held}");
        assert!(refuted <= with_slack(0.02, RUNS), "{cell:?} refuted {refuted}");
    });
}

#[test]
fn with_stored_baselines_a_relative_tolerance_can_hold() {
    cells(1.0, |cell, held, refuted| {
        assert!(refuted <= with_slack(0.02, RUNS), "{cell:?} refuted {refuted}");
        if cell.noise == Noise::Independent && cell.rps * cell.base >= 5.0 && cell.fault_seconds >= 300.0 {
            assert!(held >= 0.5, "{cell:?} held {held}");
        }
    });
}

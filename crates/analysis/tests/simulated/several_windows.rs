//! Several faults one after the other, each judged by itself: what may be refuted wrongly holds for all of them together,
//! and calm under the others does not hide the one that does harm.

use super::cells::{Cell, Noise, STEP, with_slack};
use steadfast_analysis::{Entry, Increments, Judge, Tolerance, Verdict};

const RUNS: u64 = 400;
const WINDOWS: usize = 4;

/// Shares of runs that were refuted, and in which the last window was held.
fn run(noise: Noise, factors: [f64; WINDOWS]) -> (f64, f64) {
    let cell = Cell {
        noise,
        rps: 50.0,
        base: 0.005,
        factor: 1.0,
        tolerance: Tolerance::Relative(1.5),
        history_seconds: 10_800.0,
        baseline_seconds: 3_600.0,
        fault_seconds: 600.0,
    };
    let (mut refuted, mut held) = (0.0, 0.0);
    for run in 0..RUNS {
        let (mut system, setup) = cell.before(7_000 + run);
        let named = |window: usize| {
            let mut metric = setup.metrics[0].clone();
            metric.name = format!("window {window}");
            metric
        };
        let setup = Increments { metrics: (0..WINDOWS).map(named).collect(), ..setup.clone() };
        let mut judge = Judge::over_windows(&setup, WINDOWS).unwrap();
        'run: for (window, factor) in factors.into_iter().enumerate() {
            for _ in 0..(cell.fault_seconds / STEP) as usize {
                let mut entries = [Entry { outside: true, ..Entry::default() }; WINDOWS];
                entries[window] = Some(system.interval(factor)).into();
                if judge.feed(&entries).stop {
                    break 'run;
                }
            }
            judge.close(window);
        }
        let finding = judge.conclude();
        refuted += f64::from(finding.verdict == Verdict::Refuted) / RUNS as f64;
        held += f64::from(finding.metrics[WINDOWS - 1].verdict == Verdict::Held) / RUNS as f64;
    }
    (refuted, held)
}

#[test]
fn windows_at_their_tolerance_are_refuted_together_no_more_often_than_one_may_be() {
    for noise in [Noise::Independent, Noise::Bursts] {
        let (refuted, _) = run(noise, [1.5; WINDOWS]);
        assert!(refuted <= with_slack(0.05, RUNS), "{noise:?}: {refuted}");
    }
}

#[test]
fn one_bad_window_among_calm_ones_is_found() {
    let (refuted, held) = run(Noise::Independent, [1.0, 1.0, 1.0, 5.0]);
    assert!(refuted >= 0.95 && held == 0.0, "refuted {refuted}, held {held}");
    // Taken together the share is at most twice the usual one, and in the bad window five times.
    let (refuted, held) = run(Noise::Independent, [1.0; WINDOWS]);
    assert!(refuted <= 0.02 && held >= 0.9, "refuted {refuted}, held {held}");
}

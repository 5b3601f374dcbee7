//! When harm began and ended, against the truth: a baseline of an hour, ten minutes of fault whose harm lasts a minute
//! longer than the fault, and fifteen minutes after that.

use super::cells::{Cell, Noise, STEP};
use steadfast_analysis::{Tolerance, episode, estimate};

const RUNS: u64 = 300;
const FAULT: f64 = 600.0;
const LONGER: f64 = 60.0;
const AFTER: f64 = 900.0;
/// Until harm shows.
const EFFECT: f64 = 20.0;

/// Mean absolute errors in seconds, and shares of intervals that hold the truth.
#[derive(Clone, Copy, Debug, Default)]
struct Found {
    shown: f64,
    began_error: f64,
    ended_error: f64,
    began_covered: f64,
    ended_covered: f64,
    ended_width: f64,
}

fn found(cell: Cell, seed: u64) -> Found {
    let mut sum = Found::default();
    for run in 0..RUNS {
        let (mut system, setup) = cell.before(seed * 1_000_003 + run);
        let mut counts = system.window(EFFECT, 1.0);
        for (seconds, factor) in [(FAULT + LONGER - EFFECT, cell.factor), (AFTER, 1.0)] {
            for entry in system.window(seconds, factor).entries() {
                counts.push(entry);
            }
        }
        let metric = &setup.metrics[0];
        let phi = estimate(metric, setup.interval, FAULT).dispersion.abort;
        let Some(found) = episode(&counts, metric.baseline.sum(), setup.interval, phi) else { continue };
        let Some(ended) = found.ended else { continue };
        let truth = FAULT + LONGER;
        sum.shown += 1.0;
        sum.began_error += (found.began.seconds - EFFECT).abs();
        sum.ended_error += (ended.seconds - truth).abs();
        let covers = |low: f64, high: Option<f64>, truth: f64| {
            f64::from(low <= truth && high.is_none_or(|high| truth <= high))
        };
        sum.began_covered += covers(found.began.low, found.began.high, EFFECT);
        sum.ended_covered += covers(ended.low, ended.high, truth);
        sum.ended_width += ended.high.unwrap_or(truth + AFTER) - ended.low;
    }
    let shown = sum.shown;
    Found {
        shown: shown / RUNS as f64,
        began_error: sum.began_error / shown,
        ended_error: sum.ended_error / shown,
        began_covered: sum.began_covered / shown,
        ended_covered: sum.ended_covered / shown,
        ended_width: sum.ended_width / shown,
    }
}

fn cell(noise: Noise, rps: f64, base: f64) -> Cell {
    Cell {
        noise,
        rps,
        base,
        factor: 5.0,
        tolerance: Tolerance::Relative(1.5),
        history_seconds: 10_800.0,
        baseline_seconds: 3_600.0,
        fault_seconds: FAULT,
    }
}

#[test]
fn change_points_are_near_the_truth_and_intervals_hold_it() {
    let cells = [
        (500.0, 0.005, 1.3, 2.5),
        (500.0, 0.001, 1.3, 4.0),
        (50.0, 0.005, 1.3, 8.0),
        (50.0, 0.001, 17.0, 25.0),
        (5.0, 0.005, 65.0, 65.0),
    ];
    for (seed, (rps, base, independent, wandering)) in (1..).zip(cells) {
        for (noise, error) in [(Noise::Independent, independent), (Noise::Wandering, wandering)] {
            let cell = cell(noise, rps, base);
            let found = found(cell, seed);
            println!("{cell:?}\n  {found:?}");
            assert!(found.shown >= 0.95, "{cell:?} {found:?}");
            assert!(found.ended_error <= error && found.began_error <= error, "{cell:?} {found:?}");
            assert!(found.ended_covered >= 0.86 && found.began_covered >= 0.86, "{cell:?} {found:?}");
            // An interval that holds everything would hold the truth.
            assert!(found.ended_width <= STEP + 20.0 * error, "{cell:?} {found:?}");
        }
    }
}

#[test]
fn without_harm_no_change_is_shown() {
    for noise in [Noise::Independent, Noise::Wandering, Noise::Bursts] {
        for (rps, base) in [(500.0, 0.001), (50.0, 0.001)] {
            let calm = Cell { factor: 1.0, ..cell(noise, rps, base) };
            let mut shown = 0;
            for run in 0..RUNS {
                let (mut system, setup) = calm.before(9_000 + run);
                let counts = system.window(FAULT + AFTER, 1.0);
                let metric = &setup.metrics[0];
                let phi = estimate(metric, setup.interval, FAULT).dispersion.abort;
                shown += u64::from(episode(&counts, metric.baseline.sum(), setup.interval, phi).is_some());
            }
            assert!(shown <= RUNS / 50, "{calm:?}: {shown} of {RUNS}");
        }
    }
}

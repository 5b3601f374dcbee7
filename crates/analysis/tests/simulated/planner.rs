//! What the planner foretells is what happens: times to stop against the medians of simulated runs, chances against
//! shares.

use super::cells::{Cell, Noise, STEP};
use steadfast_analysis::Tolerance;
use steadfast_analysis::plan::{Forecast, Outset, Prospect};

const RUNS: u64 = 400;
/// Runs whose own history is asked for a forecast; the median is compared.
const ASKED: u64 = 60;

impl Cell {
    /// Forecasts of runs of this cell, each from what its history says of dispersion.
    fn forecasts(self, seed: u64) -> Vec<Forecast> {
        let one = |run: u64| {
            let (_, mut setup) = self.before(seed.wrapping_mul(1_000_003).wrapping_add(run));
            let metric = setup.metrics.remove(0);
            let prospect = Prospect {
                name: metric.name,
                tolerance: self.tolerance,
                traffic: self.rps,
                control: None,
                rate: Some(self.base),
                history: metric.history,
                dispersion: None,
                onset_seconds: 0.0,
            };
            let outset = Outset {
                interval: setup.interval,
                alpha: setup.alpha,
                beta: setup.beta,
                baseline_seconds: self.baseline_seconds,
                fault_seconds: self.fault_seconds,
                metrics: vec![prospect],
            };
            outset.forecast_at(self.base * self.factor)
        };
        (0..ASKED).map(one).collect()
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn warm(noise: Noise, rps: f64, base: f64, factor: f64) -> Cell {
    Cell {
        noise,
        rps,
        base,
        factor,
        tolerance: Tolerance::Relative(1.5),
        history_seconds: 10_800.0,
        baseline_seconds: 3_600.0,
        fault_seconds: 600.0,
    }
}

fn cold(noise: Noise, rps: f64, tolerated: f64, below: f64, beyond: f64, fault_seconds: f64) -> Cell {
    Cell {
        noise,
        rps,
        base: tolerated / below,
        factor: below * beyond,
        tolerance: Tolerance::Absolute(tolerated),
        history_seconds: 0.0,
        baseline_seconds: 60.0,
        fault_seconds,
    }
}

#[test]
fn times_to_stop_are_foretold() {
    let cells = [
        warm(Noise::Independent, 50.0, 0.001, 5.0),
        warm(Noise::Independent, 500.0, 0.000_1, 5.0),
        warm(Noise::Independent, 5.0, 0.005, 5.0),
        warm(Noise::Independent, 50.0, 0.005, 3.0),
        warm(Noise::Independent, 5.0, 0.001, 20.0),
        warm(Noise::Wandering, 50.0, 0.001, 5.0),
        warm(Noise::Wandering, 500.0, 0.001, 5.0),
        warm(Noise::Bursts, 50.0, 0.005, 5.0),
        cold(Noise::Independent, 50.0, 0.01, 100.0, 3.0, 600.0),
        cold(Noise::Independent, 200.0, 0.01, 10.0, 2.0, 600.0),
        cold(Noise::Wandering, 200.0, 0.001, 10.0, 10.0, 600.0),
        cold(Noise::Bursts, 50.0, 0.01, 100.0, 5.0, 600.0),
    ];
    for (seed, cell) in (1..).zip(cells) {
        let forecast = cell.forecasts(seed);
        let foretold = median(
            forecast
                .iter()
                .map(|forecast| forecast.metrics[0].effects[0].stop_seconds.unwrap_or(f64::INFINITY)),
        );
        let simulated = cell.run(RUNS, seed).median_stop_seconds.unwrap_or(f64::INFINITY);
        println!("{cell:?}\n  foretold {foretold}, simulated {simulated}");
        assert!(
            (foretold - simulated).abs() <= 0.2 * simulated + STEP,
            "{cell:?}: {foretold}, not {simulated}"
        );
    }
}

#[test]
fn chances_to_hold_and_to_find_are_foretold() {
    let cells = [
        warm(Noise::Independent, 50.0, 0.001, 1.0),
        warm(Noise::Independent, 5.0, 0.005, 1.0),
        warm(Noise::Independent, 50.0, 0.005, 1.0),
        warm(Noise::Wandering, 50.0, 0.001, 1.0),
        warm(Noise::Independent, 50.0, 0.001, 2.0),
        warm(Noise::Independent, 50.0, 0.005, 2.0),
        warm(Noise::Independent, 5.0, 0.001, 5.0),
        cold(Noise::Independent, 50.0, 0.01, 100.0, 0.01, 60.0),
        cold(Noise::Independent, 50.0, 0.01, 100.0, 0.01, 30.0),
        cold(Noise::Independent, 50.0, 0.01, 4.0, 0.25, 120.0),
        cold(Noise::Independent, 50.0, 0.01, 100.0, 2.0, 120.0),
    ];
    for (seed, cell) in (100..).zip(cells) {
        let forecasts = cell.forecasts(seed);
        let outcome = cell.run(RUNS, seed);
        let mean = |of: &dyn Fn(&Forecast) -> f64| forecasts.iter().map(of).sum::<f64>() / ASKED as f64;
        let (foretold, simulated) = if cell.factor == 1.0 {
            (mean(&|forecast| forecast.held), outcome.held)
        } else {
            (mean(&|forecast| forecast.metrics[0].effects[0].found), outcome.refuted)
        };
        println!("{cell:?}\n  foretold {foretold:.3}, simulated {simulated:.3}");
        assert!((foretold - simulated).abs() <= 0.12, "{cell:?}: {foretold}, not {simulated}");
    }
}

#[test]
fn the_smallest_detectable_effect_is_found_in_four_of_five_runs() {
    for (seed, cell) in (200..).zip([
        warm(Noise::Independent, 50.0, 0.001, 1.0),
        warm(Noise::Independent, 50.0, 0.005, 1.0),
        warm(Noise::Independent, 5.0, 0.005, 1.0),
    ]) {
        let forecasts = cell.forecasts(seed);
        let factor =
            median(forecasts.iter().map(|forecast| forecast.metrics[0].detectable.unwrap().factor.unwrap()));
        let outcome = Cell { factor, ..cell }.run(RUNS, seed);
        println!("{cell:?}\n  x{factor:.2} found in {:.3}", outcome.refuted);
        assert!((outcome.refuted - 0.8).abs() <= 0.1, "{cell:?}: x{factor:.2} {outcome:?}");
    }
}

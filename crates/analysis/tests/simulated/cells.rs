//! Simulated systems, judged many times over.

use super::random::Random;
use steadfast_analysis::{
    Counts, Finding, Increments, Interval, Judge, Metric, Reason, Tally, Tolerance, Verdict,
};

/// Length of an interval in seconds.
pub(crate) const STEP: f64 = 5.0;

/// How bad events come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Noise {
    /// Independently.
    Independent,
    /// At a rate whose logarithm wanders (AR(1), time constant 60 s, deviation 0.35), with wandering traffic.
    Wandering,
    /// In bursts of geometric size with mean 4.
    Bursts,
}

pub(crate) const NOISES: [Noise; 3] = [Noise::Independent, Noise::Wandering, Noise::Bursts];

/// One kind of run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cell {
    pub(crate) noise: Noise,
    pub(crate) rps: f64,
    pub(crate) base: f64,
    /// Fault rate over base rate.
    pub(crate) factor: f64,
    pub(crate) tolerance: Tolerance,
    pub(crate) history_seconds: f64,
    pub(crate) baseline_seconds: f64,
    pub(crate) fault_seconds: f64,
}

/// How often runs of a cell ended in each verdict.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) held: f64,
    pub(crate) refuted: f64,
    /// Judged not to have been steady before the fault.
    pub(crate) unsteady: f64,
    pub(crate) median_stop_seconds: Option<f64>,
}

struct System {
    cell: Cell,
    random: Random,
    ln_rate: f64,
    ln_traffic: f64,
}

const DEVIATION: f64 = 0.35;
const TRAFFIC_DEVIATION: f64 = 0.2;

impl System {
    fn new(cell: Cell, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let (ln_rate, ln_traffic) = (DEVIATION * random.normal(), TRAFFIC_DEVIATION * random.normal());
        Self { cell, random, ln_rate, ln_traffic }
    }

    fn interval(&mut self, factor: f64) -> Tally {
        let Cell { noise, rps, base, .. } = self.cell;
        let wanders = if noise == Noise::Wandering { 1.0 } else { 0.0 };
        let memory = libm::exp(-STEP / 60.0);
        let fresh = (1.0 - memory * memory).sqrt();
        self.ln_rate = memory * self.ln_rate + fresh * DEVIATION * self.random.normal();
        self.ln_traffic = memory * self.ln_traffic + fresh * TRAFFIC_DEVIATION * self.random.normal();
        let wander = |ln: f64, deviation: f64| libm::exp(wanders * (ln - deviation * deviation / 2.0));
        let total = self.random.poisson(rps * STEP * wander(self.ln_traffic, TRAFFIC_DEVIATION));
        let expected = total * base * factor * wander(self.ln_rate, DEVIATION);
        let bad = match noise {
            Noise::Bursts => {
                let bursts = self.random.poisson(expected / 4.0) as u64;
                (0..bursts).map(|_| self.random.geometric(4.0)).sum()
            }
            _ => self.random.poisson(expected),
        };
        Tally::new(bad.min(total), total)
    }

    fn window(&mut self, seconds: f64, factor: f64) -> Counts {
        let mut counts = Counts::default();
        for _ in 0..(seconds / STEP) as usize {
            counts.push(Some(self.interval(factor)));
        }
        counts
    }
}

impl Cell {
    /// Runs the cell so many times.
    pub(crate) fn run(self, runs: u64, seed: u64) -> Outcome {
        let mut outcome = Outcome::default();
        let mut stops = Vec::new();
        for run in 0..runs {
            let finding = self.once(seed.wrapping_mul(1_000_003).wrapping_add(run));
            let unsteady = matches!(finding.reason, Reason::SteadyStateNotMet { .. });
            outcome.unsteady += f64::from(unsteady) / runs as f64;
            outcome.held += f64::from(finding.verdict == Verdict::Held) / runs as f64;
            outcome.refuted += f64::from(finding.verdict == Verdict::Refuted) / runs as f64;
            stops.push(finding.stopped_at.map_or(f64::INFINITY, |index| (index + 1) as f64 * STEP));
        }
        stops.sort_by(f64::total_cmp);
        outcome.median_stop_seconds = stops.get(stops.len() / 2).copied().filter(|stop| stop.is_finite());
        outcome
    }

    fn once(self, seed: u64) -> Finding {
        let mut system = System::new(self, seed);
        let history = system.window(self.history_seconds, 1.0);
        let baseline = if self.history_seconds > 0.0 {
            history.split_at(history.len() - (self.baseline_seconds / STEP) as usize).1
        } else {
            system.window(self.baseline_seconds, 1.0)
        };
        let mut metric = Metric::new("simulated", self.tolerance, baseline, Counts::default());
        metric.history = (self.history_seconds > 0.0).then_some(history);
        let setup = Increments::new(Interval::from_seconds(STEP as u64), vec![metric]);
        let mut judge = Judge::new(&setup).expect("simulated counts are valid");
        for _ in 0..(self.fault_seconds / STEP) as usize {
            let interval = system.interval(self.factor);
            if judge.feed(&[Some(interval)]).stop {
                break;
            }
        }
        judge.conclude()
    }
}

/// A share with binomial slack of four standard deviations.
pub(crate) fn with_slack(share: f64, runs: u64) -> f64 {
    share + 4.0 * (share * (1.0 - share) / runs as f64).sqrt()
}

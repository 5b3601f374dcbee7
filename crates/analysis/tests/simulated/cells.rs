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
    /// Wandering, and rising by 30 % over the last 70 minutes.
    Drift,
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
    /// Stopped early, whatever the verdict.
    pub(crate) stopped: f64,
    /// Judged not to have been steady before the fault.
    pub(crate) unsteady: f64,
    pub(crate) median_stop_seconds: Option<f64>,
}

#[derive(Clone)]
pub(crate) struct System {
    cell: Cell,
    random: Random,
    ln_rate: f64,
    ln_traffic: f64,
    seconds: f64,
}

const DEVIATION: f64 = 0.35;
const TRAFFIC_DEVIATION: f64 = 0.2;
/// Length and height of the rise of [`Noise::Drift`].
const RISE: (f64, f64) = (4_200.0, 0.3);

impl System {
    pub(crate) fn new(cell: Cell, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let (ln_rate, ln_traffic) = (DEVIATION * random.normal(), TRAFFIC_DEVIATION * random.normal());
        Self { cell, random, ln_rate, ln_traffic, seconds: 0.0 }
    }

    /// The share of bad events now, over the base rate.
    fn drift(&self) -> f64 {
        let (length, height) = RISE;
        let begins = self.cell.history_seconds + self.cell.fault_seconds - length;
        1.0 + height * ((self.seconds - begins) / length).clamp(0.0, 1.0)
    }

    pub(crate) fn interval(&mut self, factor: f64) -> Tally {
        let Cell { noise, rps, base, .. } = self.cell;
        let (mut traffic, mut wander) = (1.0, 1.0);
        if matches!(noise, Noise::Wandering | Noise::Drift) {
            let memory = libm::exp(-STEP / 60.0);
            let fresh = (1.0 - memory * memory).sqrt();
            self.ln_rate = memory * self.ln_rate + fresh * DEVIATION * self.random.normal();
            self.ln_traffic = memory * self.ln_traffic + fresh * TRAFFIC_DEVIATION * self.random.normal();
            wander = libm::exp(self.ln_rate - DEVIATION * DEVIATION / 2.0);
            traffic = libm::exp(self.ln_traffic - TRAFFIC_DEVIATION * TRAFFIC_DEVIATION / 2.0);
        }
        if noise == Noise::Drift {
            wander *= self.drift();
            self.seconds += STEP;
        }
        let total = self.random.poisson(rps * STEP * traffic);
        let expected = total * base * factor * wander;
        let bad = match noise {
            Noise::Bursts => {
                let bursts = self.random.poisson(expected / 4.0) as u64;
                (0..bursts).map(|_| self.random.geometric(4.0)).sum()
            }
            _ => self.random.poisson(expected),
        };
        Tally::new(bad.min(total), total)
    }

    pub(crate) fn window(&mut self, seconds: f64, factor: f64) -> Counts {
        let mut counts = Counts::default();
        for _ in 0..(seconds / STEP) as usize {
            counts.push(Some(self.interval(factor)));
        }
        counts
    }
}

impl System {
    /// What is found of it under a fault.
    fn under_fault(mut self, factor: f64, mut judge: Judge) -> Finding {
        for _ in 0..(self.cell.fault_seconds / STEP) as usize {
            let interval = self.interval(factor);
            if judge.feed(&[Some(interval).into()]).stop {
                break;
            }
        }
        judge.conclude()
    }
}

impl Cell {
    /// Runs the cell so many times.
    pub(crate) fn run(self, runs: u64, seed: u64) -> Outcome {
        self.run_each(&[self.factor], runs, seed)[0]
    }

    /// Runs the cell so many times with each of these factors. What comes before the fault is simulated once.
    pub(crate) fn run_each(self, factors: &[f64], runs: u64, seed: u64) -> Vec<Outcome> {
        let mut tallies = vec![(Outcome::default(), Vec::new()); factors.len()];
        for run in 0..runs {
            let (system, setup) = self.before(seed.wrapping_mul(1_000_003).wrapping_add(run));
            let judge = Judge::new(&setup).expect("simulated counts are valid");
            for (factor, (outcome, stops)) in factors.iter().zip(&mut tallies) {
                let finding = system.clone().under_fault(*factor, judge.clone());
                outcome.stopped += f64::from(finding.stopped_at.is_some()) / runs as f64;
                let unsteady = matches!(finding.reason, Reason::SteadyStateNotMet { .. });
                outcome.unsteady += f64::from(unsteady) / runs as f64;
                outcome.held += f64::from(finding.verdict == Verdict::Held) / runs as f64;
                outcome.refuted += f64::from(finding.verdict == Verdict::Refuted) / runs as f64;
                stops.push(finding.stopped_at.map_or(f64::INFINITY, |index| (index + 1) as f64 * STEP));
            }
        }
        let outcome = |(mut outcome, mut stops): (Outcome, Vec<f64>)| {
            stops.sort_by(f64::total_cmp);
            outcome.median_stop_seconds = stops.get(stops.len() / 2).copied().filter(|stop| stop.is_finite());
            outcome
        };
        tallies.into_iter().map(outcome).collect()
    }

    /// The system before the fault, and what is known of it then.
    pub(crate) fn before(self, seed: u64) -> (System, Increments) {
        let mut system = System::new(self, seed);
        let history = system.window(self.history_seconds, 1.0);
        let baseline = if self.history_seconds > 0.0 {
            history.split_at(history.len() - (self.baseline_seconds / STEP) as usize).1
        } else {
            system.window(self.baseline_seconds, 1.0)
        };
        let mut metric = Metric::new("simulated", self.tolerance, baseline, Counts::default());
        metric.history = (self.history_seconds > 0.0).then_some(history);
        (system, Increments::new(Interval::from_seconds(STEP as u64), vec![metric]))
    }
}

/// A share with binomial slack of four standard deviations.
pub(crate) fn with_slack(share: f64, runs: u64) -> f64 {
    share + 4.0 * (share * (1.0 - share) / runs as f64).sqrt()
}

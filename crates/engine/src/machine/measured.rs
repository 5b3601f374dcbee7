//! What was measured in a run so far: plain sums and lists, no decisions about what to do.

use serde_json::Value;
use steadfast_analysis::{
    Counts, Entry, Increments, Interval, Judge, LONG_ENOUGH, MIN_FAULT_COMPLETENESS, Metric, Step, Tally,
    Unsteady, evidence::Mixture, recovery, steady,
};
use steadfast_model::{
    digest,
    event::{Dated, DatedHarm, Known, PlannedMetric, RunPlan, Tolerance},
    sample::MetricSample,
};

use super::lines::{Line, spread};
use crate::plan::counts;

/// Intervals within tolerance, one after the other, after which the system counts as recovered.
pub const HOLD: usize = 5;

/// Evidence, `ln E`, that is enough to call two rates different: about 1 in 25.
const DIFFERS: f64 = 3.2;

/// What was measured so far.
#[derive(Debug, Clone)]
pub(super) struct Measured {
    pub(super) interval: Interval,
    alpha: f64,
    beta: f64,
    pub(super) metrics: Vec<PlannedMetric>,
    /// The canonical form of all `Sampled` events, as the items of a list.
    record: String,
    /// Intervals measured in all.
    pub(super) intervals: u64,
    baseline: Vec<Counts>,
    pub(super) judge: Option<Judge>,
    /// What the judge calls its metrics.
    pub(super) names: Vec<String>,
    /// The last answer of the judge, for people who watch.
    pub(super) step: Option<Step>,
    /// For each metric, whether it was measured in the baseline or fault window, whichever was last, and why not.
    seen: Vec<(bool, Option<String>)>,
    /// Intervals of the fault window so far: from the first order to inject on, waits and all.
    pub(super) window: u64,
    /// Those among them in which a fault was in place. Only these are judged.
    pub(super) judged: u64,
    /// One entry an interval since the fault window began: all within tolerance, or not, or not known.
    after: Counts,
    /// The counts of each metric since the fault window began.
    pub(super) since: Vec<Counts>,
}

impl Measured {
    pub(super) fn new(plan: &RunPlan) -> Self {
        let millis = u64::try_from(plan.interval.std().as_millis()).unwrap_or(u64::MAX);
        Self {
            interval: Interval::from_millis(millis),
            alpha: plan.alpha,
            beta: plan.beta,
            metrics: plan.metrics.clone(),
            record: String::new(),
            intervals: 0,
            baseline: vec![Counts::default(); plan.metrics.len()],
            judge: None,
            names: vec![],
            step: None,
            seen: vec![(false, None); plan.metrics.len()],
            window: 0,
            judged: 0,
            after: Counts::default(),
            since: vec![Counts::default(); plan.metrics.len()],
        }
    }

    /// In the plan's order: a metric that is not among the samples has a gap, one that was not planned is dropped.
    pub(super) fn ordered(&self, samples: &[MetricSample]) -> Vec<MetricSample> {
        let sample = |metric: &PlannedMetric| {
            samples.iter().find(|sample| sample.metric == metric.name).cloned().unwrap_or_else(|| {
                MetricSample {
                    metric: metric.name.clone(),
                    increment: None,
                    note: Some("not measured".to_owned()),
                    spans_gap: false,
                }
            })
        };
        self.metrics.iter().map(sample).collect()
    }

    /// Remembers a `Sampled` event for the digest.
    pub(super) fn remember(&mut self, sampled: &Known) {
        if !self.record.is_empty() {
            self.record.push(',');
        }
        let value = serde_json::to_value(sampled).expect("events are plain data with text keys");
        self.record.push_str(&digest::canonical(&value));
        self.intervals += 1;
    }

    /// SHA-256 of the canonical form of the list of all `Sampled` events.
    pub(super) fn digest(&self) -> String {
        digest::of_bytes(format!("[{}]", self.record).as_bytes())
    }

    pub(super) fn feed_baseline(&mut self, samples: &[MetricSample]) {
        for (counts, sample) in self.baseline.iter_mut().zip(samples) {
            counts.push(tally(sample));
        }
        self.see(samples);
    }

    fn see(&mut self, samples: &[MetricSample]) {
        for (seen, sample) in self.seen.iter_mut().zip(samples) {
            seen.0 |= sample.increment.is_some();
            seen.1 = sample.note.clone().or(seen.1.take());
        }
    }

    /// The first metric that had nothing but gaps in the last window, and why.
    pub(super) fn unmeasured(&self) -> Option<(String, Option<String>)> {
        let mut all = self.metrics.iter().zip(&self.seen);
        all.find(|(_, seen)| !seen.0).map(|(metric, seen)| (metric.name.clone(), seen.1.clone()))
    }

    /// Intervals since the fault window began, those after it as well.
    pub(super) fn elapsed(&self) -> u64 {
        self.after.len() as u64
    }

    /// Notes an interval of the fault window in which no fault was in place.
    pub(super) fn feed_wait(&mut self, samples: &[MetricSample]) {
        self.window += 1;
        self.feed_after(samples);
    }

    /// Feeds an interval under a fault to the judge.
    ///
    /// `since` counts, for each line, the intervals since its fault was put in place, this one included; nothing while
    /// it is not.
    pub(super) fn feed_window(&mut self, samples: &[MetricSample], since: &[Option<u64>]) -> Option<Step> {
        self.window += 1;
        self.judged += 1;
        self.see(samples);
        self.feed_after(samples);
        let interval = self.interval.seconds();
        let entry = |since: Option<u64>, metric: &PlannedMetric, sample: &MetricSample| Entry {
            counted: tally(sample),
            control: None,
            onset: since.is_some_and(|since| (since - 1) as f64 * interval < metric.onset.seconds()),
            outside: since.is_none(),
        };
        let metrics = || self.metrics.iter().zip(samples);
        let line = |&since| metrics().map(move |(metric, sample)| entry(since, metric, sample));
        let entries: Vec<_> = since.iter().flat_map(line).collect();
        self.step = self.judge.as_mut().map(|judge| judge.feed(&entries));
        self.step.clone()
    }

    /// Notes whether an interval was within tolerance.
    pub(super) fn feed_after(&mut self, samples: &[MetricSample]) {
        self.after.push(self.within(samples).map(|within| Tally::new(f64::from(u8::from(!within)), 1.0)));
        for (counts, sample) in self.since.iter_mut().zip(samples) {
            counts.push(tally(sample));
        }
    }

    /// Everything that keeps the baseline from being a steady state, with the metric.
    pub(super) fn unsteady(&self) -> Vec<(String, Unsteady)> {
        let of = |metric: &Metric| {
            let problems = steady(metric, self.interval, self.alpha);
            problems.into_iter().map(|problem| (metric.name.clone(), problem)).collect::<Vec<_>>()
        };
        self.increments().metrics.iter().flat_map(of).collect()
    }

    /// Gets ready to judge what is measured under each fault. What is wrong with the plan is said in words.
    pub(super) fn ready(&mut self, lines: &[Line]) -> Result<(), Vec<String>> {
        self.seen.fill((false, None));
        let setup = spread(&self.increments(), lines);
        self.names = setup.metrics.iter().map(|metric| metric.name.clone()).collect();
        let judge = Judge::over_windows(&setup, lines.len());
        self.judge =
            Some(judge.map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>())?);
        Ok(())
    }

    /// What the judge would be given now, without the fault window.
    pub(super) fn increments(&self) -> Increments {
        let metric = |(metric, baseline): (&PlannedMetric, &Counts)| {
            let history = history(metric, baseline, self.interval);
            let tolerance = tolerance(metric.tolerance);
            Metric { history, ..Metric::new(&metric.name, tolerance, baseline.clone(), Counts::default()) }
        };
        let metrics = self.metrics.iter().zip(&self.baseline).map(metric).collect();
        Increments { interval: self.interval, alpha: self.alpha, beta: self.beta, metrics }
    }

    /// Seconds from interval `start` of the fault window until the system was back; and over how many seconds, with
    /// which share measured, that was watched.
    ///
    /// After a fault that ends by itself, harm may show only some intervals later. So, when `from_harm` is set, the
    /// first streak *after the first interval out of tolerance* counts, if there is one.
    ///
    /// A streak says that the system is back, the change point of the metrics says since when, when they show harm.
    pub(super) fn recovered(&self, times: Times, from_harm: bool) -> Recovery {
        let start = times.start;
        let since: Vec<_> = self.after.entries().skip(start).collect();
        let harmed = since.iter().position(|entry| entry.is_some_and(|entry| entry.bad > 0.0));
        let skip = if from_harm { harmed.unwrap_or(0) } else { 0 };
        let mut counts = Counts::default();
        since.iter().skip(skip).for_each(|entry| counts.push(*entry));
        let seconds = self.interval.seconds();
        let measured = since.iter().flatten().count() as f64;
        let streak = recovery(&counts, self.interval, 0.0, HOLD).map(|found| found + skip as f64 * seconds);
        let harm = self.harm(times);
        let ended = harm.as_ref().and_then(|harm| harm.ended);
        let dated = |streak: f64| match ended {
            Some(ended) if ended.seconds >= streak || self.calm(start, ended.seconds, streak) => {
                ended.seconds
            }
            _ => streak,
        };
        Recovery {
            seconds: streak.map(dated).or_else(|| self.back(&since, start, ended?)),
            sure: streak.is_some() && (harm.is_none() || ended.is_some_and(|ended| ended.high.is_some())),
            harm,
            watched: since.len() as f64 * seconds,
            completeness: if since.is_empty() { 0.0 } else { measured / since.len() as f64 },
        }
    }

    /// Since when the system is back without a streak: the change is sure, and from then on, for as long as a streak lasts
    /// at least, the metrics were within tolerance on average. Single intervals may be out of it by chance.
    fn back(&self, since: &[Option<Tally>], start: usize, ended: Dated) -> Option<f64> {
        ended.high?;
        let seconds = self.interval.seconds();
        let tail = since.get((ended.seconds / seconds).round() as usize..)?;
        let measured = tail.iter().flatten().count() as f64;
        let seen = tail.len() >= HOLD && measured >= MIN_FAULT_COMPLETENESS * tail.len() as f64;
        (seen && self.calm(start, ended.seconds, since.len() as f64 * seconds)).then_some(ended.seconds)
    }

    /// Whether every metric was within tolerance; nothing when one had a gap or no traffic.
    fn within(&self, samples: &[MetricSample]) -> Option<bool> {
        let mut within = true;
        for ((metric, baseline), sample) in self.metrics.iter().zip(&self.baseline).zip(samples) {
            let rate = tally(sample)?.rate()?;
            within &= rate <= tolerance(metric.tolerance).rate(baseline.sum())?;
        }
        Some(within)
    }
}

/// Intervals of the fault window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Times {
    /// The last fault was ordered.
    pub(super) ordered: usize,
    /// It was in place.
    pub(super) injected: usize,
    /// From here on the system may recover.
    pub(super) start: usize,
}

/// How the system came back.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Recovery {
    /// Nothing speaks against it any more.
    pub(super) sure: bool,
    /// When harm began and ended, when there was any.
    pub(super) harm: Option<DatedHarm>,
    /// After how many seconds; nothing when it was not seen.
    pub(super) seconds: Option<f64>,
    /// For how many seconds it was watched.
    pub(super) watched: f64,
    /// Share of these intervals in which every metric was measured with traffic.
    pub(super) completeness: f64,
}

/// What dispersion is learned from besides the baseline: what earlier runs stored, when the baseline itself is too short
/// and does not contradict it.
fn history(metric: &PlannedMetric, baseline: &Counts, interval: Interval) -> Option<Counts> {
    let stored = metric.history.as_ref()?;
    let own = baseline.sum();
    if baseline.present() as f64 * interval.seconds() >= LONG_ENOUGH || own.total <= 0.0 {
        return None;
    }
    let counts = counts(stored, interval);
    let theirs = counts.sum();
    let traffic = |sum: Tally, intervals: usize| sum.total / intervals.max(1) as f64;
    let ratio = traffic(own, baseline.present()) / traffic(theirs, counts.present());
    // Another rate of bad events, shown beyond a factor of two, has another dispersion.
    let differs = |one, other| Mixture::harm().relative(one, other, 2.0, 4.0) >= DIFFERS;
    let fits = (1.0 / 1.5..=1.5).contains(&ratio) && !differs(own, theirs) && !differs(theirs, own);
    fits.then_some(counts)
}

/// The finding as JSON, or null when nothing was measured under a fault.
pub(super) fn as_json(finding: Option<&steadfast_analysis::Finding>) -> Value {
    finding.map_or(Value::Null, |finding| {
        serde_json::to_value(finding).expect("findings are plain data with text keys")
    })
}

fn tally(sample: &MetricSample) -> Option<Tally> {
    let increment = sample.increment?;
    Some(Tally::new(increment.bad as f64, increment.total as f64))
}

pub(super) fn tolerance(tolerance: Tolerance) -> steadfast_analysis::Tolerance {
    match tolerance {
        Tolerance::Absolute(rate) => steadfast_analysis::Tolerance::Absolute(rate),
        Tolerance::Relative(factor) => steadfast_analysis::Tolerance::Relative(factor),
    }
}

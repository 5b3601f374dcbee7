//! Judges a run while it happens, one interval at a time, and at its end.

mod beside;
mod conclude;
mod watch;

use crate::arithmetic::{ln, ln_sum_exp};
use crate::evidence::Mixture;
use crate::outlook::Levels;
use crate::{Finding, Increments, InputProblem, Interval, Metric, STOP_SHARE, Tally};
use watch::Watch;

/// Watches the metrics of one run.
///
/// Feed it one interval after the other while the fault is active and stop the fault when it says so; then
/// [`Judge::conclude`]. Everything that was not measured is fed as a gap. [`judge`] does the same from stored
/// increments and finds the same.
#[derive(Clone, Debug)]
pub struct Judge {
    interval: Interval,
    levels: Levels,
    threshold: f64,
    harm: Mixture,
    watches: Vec<Watch>,
    ln_evidence: Vec<f64>,
    stopped_at: Option<usize>,
}

/// What one interval changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Index of the interval.
    pub index: usize,
    /// Evidence of harm so far, `ln E`, in the order of the metrics.
    pub ln_evidence: Vec<f64>,
    /// The average over all metrics, `ln` of the mean of E: valid however the metrics depend on each other
    /// (Vovk and Wang 2021).
    pub combined: f64,
    /// What `combined` must reach.
    pub threshold: f64,
    /// True from the interval on at which harm was shown: stop the fault.
    pub stop: bool,
}

/// Judges stored increments.
///
/// # Errors
/// Everything that is wrong with the document.
pub fn judge(increments: &Increments) -> Result<Finding, Vec<InputProblem>> {
    let mut judge = Judge::new(increments)?;
    for index in 0..increments.fault_intervals() {
        let entries: Vec<_> = increments.metrics.iter().map(|metric| metric.fault.get(index)).collect();
        let control = |metric: &Metric| metric.control.as_ref().and_then(|control| control.fault.get(index));
        let controls: Vec<_> = increments.metrics.iter().map(control).collect();
        judge.feed_beside(&entries, &controls);
    }
    Ok(judge.conclude())
}

impl Judge {
    /// Prepares to judge: everything but the fault windows of `setup` is used, and everything is decided here that
    /// must be decided before the fault (dispersion, steady state, thresholds).
    ///
    /// # Errors
    /// Everything that is wrong with `setup`.
    pub fn new(setup: &Increments) -> Result<Self, Vec<InputProblem>> {
        let problems = setup.check();
        if !problems.is_empty() {
            return Err(problems);
        }
        let watch = |metric: &Metric| Watch::new(metric, setup.interval, setup.alpha);
        Ok(Self {
            interval: setup.interval,
            levels: Levels { harm: (1.0 - STOP_SHARE) * setup.alpha, held: setup.beta },
            threshold: ln(1.0 / (STOP_SHARE * setup.alpha)),
            harm: Mixture::harm(),
            watches: setup.metrics.iter().map(watch).collect(),
            ln_evidence: Vec::new(),
            stopped_at: None,
        })
    }

    /// Adds one interval: one entry per metric in the order of the setup, nothing for what was not measured.
    /// Entries that are missing at the end are gaps too, entries that are no counts (negative, infinite) likewise.
    ///
    /// After a stop the evidence is still followed, but nothing else changes any more.
    pub fn feed(&mut self, entries: &[Option<Tally>]) -> Step {
        self.feed_all(entries, &[], &[])
    }

    /// The same where some metrics, those for which `onset` is true, take a while to show what the fault does. Such an
    /// interval is evidence of harm like any other. At the end the metric must have held with it and without it.
    pub fn feed_in_onset(&mut self, entries: &[Option<Tally>], onset: &[bool]) -> Step {
        self.feed_all(entries, &[], onset)
    }

    /// The same with the control groups: one entry per metric again, nothing for metrics without one.
    pub fn feed_beside(&mut self, entries: &[Option<Tally>], controls: &[Option<Tally>]) -> Step {
        self.feed_all(entries, controls, &[])
    }

    fn feed_all(&mut self, entries: &[Option<Tally>], controls: &[Option<Tally>], onset: &[bool]) -> Step {
        let index = self.ln_evidence.len();
        let running = self.stopped_at.is_none();
        for (position, watch) in self.watches.iter_mut().enumerate() {
            let at = |list: &[Option<Tally>]| list.get(position).copied().flatten().and_then(Tally::usable);
            let settled = !onset.get(position).copied().unwrap_or(false);
            watch.feed(at(entries), at(controls), (running, settled), &self.harm);
        }
        let latest: Vec<f64> = self.watches.iter().map(Watch::latest).collect();
        let combined = ln_sum_exp(latest.iter().copied()) - ln(latest.len() as f64);
        self.ln_evidence.push(combined);
        if running && combined >= self.threshold {
            self.stopped_at = Some(index);
        }
        let stop = self.stopped_at.is_some();
        Step { index, ln_evidence: latest, combined, threshold: self.threshold, stop }
    }

    /// Index of the interval at which harm was shown, if it was.
    pub fn stopped_at(&self) -> Option<usize> {
        self.stopped_at
    }

    /// What the combined evidence must reach: `ln(1 / (0.8 alpha))`.
    pub fn threshold(&self) -> f64 {
        self.threshold
    }
}

#[cfg(test)]
mod tests;

//! Judges a run while it happens, one interval at a time, and at its end.

mod beside;
mod conclude;
mod watch;

use crate::arithmetic::{ln, ln_sum_exp};
use crate::evidence::Mixture;
use crate::outlook::Levels;
use crate::{Finding, Increments, InputProblem, Metric, STOP_SHARE, Tally};
use watch::Watch;

/// Watches the metrics of one run.
///
/// Feed it one interval after the other while the fault is active and stop the fault when it says so; then
/// [`Judge::conclude`]. Everything that was not measured is fed as a gap. [`judge`] does the same from stored
/// increments and finds the same.
#[derive(Clone, Debug)]
pub struct Judge {
    levels: Levels,
    threshold: f64,
    harm: Mixture,
    watches: Vec<Watch>,
    ln_evidence: Vec<f64>,
    stopped_at: Option<usize>,
}

/// One interval of one metric. The default is a gap.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Entry {
    /// What was counted; nothing for what was not measured. What is no count (negative, infinite) is a gap too.
    pub counted: Option<Tally>,
    /// What was counted in the control group, if the metric has one.
    pub control: Option<Tally>,
    /// The metric takes a while to show what the fault does and is still at it. Such an interval is evidence of harm
    /// like any other. At the end the metric must have held with it and without it.
    pub onset: bool,
    /// The interval does not belong to the window of this metric: neither evidence nor a gap.
    pub outside: bool,
}

impl From<Option<Tally>> for Entry {
    fn from(counted: Option<Tally>) -> Self {
        Self { counted, ..Self::default() }
    }
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
        let entry = |metric: &Metric| Entry {
            counted: metric.fault.get(index),
            control: metric.control.as_ref().and_then(|control| control.fault.get(index)),
            ..Entry::default()
        };
        judge.feed(&increments.metrics.iter().map(entry).collect::<Vec<_>>());
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
            levels: Levels { harm: (1.0 - STOP_SHARE) * setup.alpha, held: setup.beta },
            threshold: ln(1.0 / (STOP_SHARE * setup.alpha)),
            harm: Mixture::harm(),
            watches: setup.metrics.iter().map(watch).collect(),
            ln_evidence: Vec::new(),
            stopped_at: None,
        })
    }

    /// The same where the metrics are those of several windows, each judged by itself, one metric per window and thing
    /// that is measured. What may be refuted wrongly at the end is shared among the windows.
    ///
    /// # Errors
    /// Everything that is wrong with `setup`.
    pub fn over_windows(setup: &Increments, windows: usize) -> Result<Self, Vec<InputProblem>> {
        let mut judge = Self::new(setup)?;
        judge.levels.harm /= windows.max(1) as f64;
        Ok(judge)
    }

    /// Adds one interval: one entry per metric in the order of the setup. Entries that are missing at the end are gaps.
    ///
    /// After a stop the evidence is still followed, but nothing else changes any more.
    pub fn feed(&mut self, entries: &[Entry]) -> Step {
        let index = self.ln_evidence.len();
        let running = self.stopped_at.is_none();
        for (position, watch) in self.watches.iter_mut().enumerate() {
            let entry = entries.get(position).copied().unwrap_or_default();
            watch.feed(entry, running, &self.harm);
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

    /// The window of this metric is over, at the length it was planned with, while others go on: what stops the run
    /// later does not cut it short any more. Nothing may be fed to it after this but [`Entry::outside`].
    pub fn close(&mut self, metric: usize) {
        if self.stopped_at.is_none()
            && let Some(watch) = self.watches.get_mut(metric)
        {
            watch.closed = true;
        }
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

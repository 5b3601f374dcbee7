//! What is wrong with a document: everything, not just the first thing.

use core::fmt;
use std::collections::HashSet;

use super::{Control, Increments, MAX_COUNT, MAX_INTERVALS, MAX_METRICS, Metric};
use crate::{Counts, Tolerance};

/// Problems listed before the rest is only counted.
const MAX_LISTED: usize = 100;
const MAX_NAME: usize = 200;
const MAX_RELATIVE: f64 = 1_000.0;
const MAX_DISPERSION: f64 = 1e6;

/// One thing that is wrong with a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputProblem {
    /// Where, such as `metrics[0].fault.bad[3]`.
    pub path: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl fmt::Display for InputProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

impl core::error::Error for InputProblem {}

impl Increments {
    /// Everything that is wrong; after a hundred problems the rest is only counted.
    pub fn check(&self) -> Vec<InputProblem> {
        let mut found = Found::default();
        for (name, value) in [("alpha", self.alpha), ("beta", self.beta)] {
            // Above a half, "more likely than not wrong" would count as shown.
            if !(value > 0.0 && value <= 0.5) {
                found.add(name, format!("{value} is out of range: above 0, at most 0.5"));
            }
        }
        if self.metrics.is_empty() {
            found.add("metrics", "empty: nothing to judge".to_owned());
        }
        if self.metrics.len() > MAX_METRICS {
            found.add("metrics", format!("{} metrics; at most {MAX_METRICS}", self.metrics.len()));
        }
        let mut names = HashSet::new();
        for (index, metric) in self.metrics.iter().enumerate().take(MAX_METRICS) {
            let path = format!("metrics[{index}]");
            if !names.insert(metric.name.as_str()) {
                found.add(&format!("{path}.name"), format!("`{}` is used twice", metric.name));
            }
            found.metric(&path, metric);
        }
        let longest = self.fault_intervals();
        for (index, metric) in self.metrics.iter().enumerate().take(MAX_METRICS) {
            let length = metric.fault.len();
            if length != longest {
                let message = format!(
                    "{length} intervals, another metric has {longest}; write null where one is missing"
                );
                found.add(&format!("metrics[{index}].fault"), message);
            }
        }
        found.into_problems()
    }
}

#[derive(Default)]
struct Found {
    problems: Vec<InputProblem>,
    count: usize,
}

impl Found {
    fn add(&mut self, path: &str, message: String) {
        self.count += 1;
        if self.problems.len() < MAX_LISTED {
            self.problems.push(InputProblem { path: path.to_owned(), message });
        }
    }

    fn into_problems(mut self) -> Vec<InputProblem> {
        if self.count > self.problems.len() {
            let message = format!("and {} more problems", self.count - self.problems.len());
            self.problems.push(InputProblem { path: "document".to_owned(), message });
        }
        self.problems
    }

    fn metric(&mut self, path: &str, metric: &Metric) {
        if metric.name.trim().is_empty() || metric.name.chars().count() > MAX_NAME {
            self.add(&format!("{path}.name"), format!("must have 1 to {MAX_NAME} characters"));
        }
        match metric.tolerance {
            Tolerance::Absolute(rate) if !(rate > 0.0 && rate < 1.0) => {
                self.add(
                    &format!("{path}.tolerance.absolute"),
                    format!("{rate} is no share between 0 and 1"),
                );
            }
            Tolerance::Relative(rho) if !(1.0..=MAX_RELATIVE).contains(&rho) => {
                let message = format!("{rho} is out of range: a factor from 1 to {MAX_RELATIVE}");
                self.add(&format!("{path}.tolerance.relative"), message);
            }
            _ => {}
        }
        if let Some(dispersion) = metric.dispersion {
            for (name, value) in [("abort", dispersion.abort), ("end", dispersion.end)] {
                if !(1.0..=MAX_DISPERSION).contains(&value) {
                    let message = format!("{value} is out of range: from 1 to {MAX_DISPERSION}");
                    self.add(&format!("{path}.dispersion.{name}"), message);
                }
            }
        }
        if let Some(history) = &metric.history {
            self.counts(&format!("{path}.history"), history);
        }
        self.counts(&format!("{path}.baseline"), &metric.baseline);
        self.counts(&format!("{path}.fault"), &metric.fault);
        if let Some(control) = &metric.control {
            self.control(&format!("{path}.control"), metric, control);
        }
    }

    fn control(&mut self, path: &str, metric: &Metric, control: &Control) {
        if let Tolerance::Absolute(_) = metric.tolerance {
            let message = "a control group is compared with: the tolerance must be relative, such as 1.5";
            self.add(path, message.to_owned());
        }
        if metric.history.is_some() != control.history.is_some() {
            let message = "history is needed of both groups or of neither";
            self.add(&format!("{path}.history"), message.to_owned());
        }
        let ours = [metric.history.as_ref(), Some(&metric.baseline), Some(&metric.fault)];
        let theirs = [control.history.as_ref(), Some(&control.baseline), Some(&control.fault)];
        for ((ours, theirs), name) in ours.into_iter().zip(theirs).zip(["history", "baseline", "fault"]) {
            let Some(theirs) = theirs else { continue };
            let path = format!("{path}.{name}");
            self.counts(&path, theirs);
            if let Some(ours) = ours.filter(|ours| ours.len() != theirs.len()) {
                let message = format!(
                    "{} intervals, the metric has {}; write null where one is missing",
                    theirs.len(),
                    ours.len()
                );
                self.add(&path, message);
            }
        }
    }

    fn counts(&mut self, path: &str, counts: &Counts) {
        if counts.bad.len() != counts.total.len() {
            let (bad, total) = (counts.bad.len(), counts.total.len());
            self.add(path, format!("{bad} entries in `bad`, {total} in `total`; they must be equally many"));
        }
        if counts.len() > MAX_INTERVALS {
            self.add(path, format!("{} intervals; at most {MAX_INTERVALS}", counts.len()));
            return;
        }
        for (name, series) in [("bad", &counts.bad), ("total", &counts.total)] {
            for (index, value) in series.iter().enumerate() {
                if let Some(value) = value.filter(|value| !(0.0..=MAX_COUNT).contains(value)) {
                    let message = if value < 0.0 {
                        format!("{value} is negative; after a counter reset, count from zero")
                    } else if value.is_finite() {
                        format!("{value} is too large; at most {MAX_COUNT}")
                    } else {
                        format!("{value} is no count; write null where a measurement is missing")
                    };
                    self.add(&format!("{path}.{name}[{index}]"), message);
                }
            }
        }
        for (index, pair) in counts.bad.iter().zip(&counts.total).enumerate() {
            match pair {
                (Some(bad), Some(total)) if bad > total => {
                    self.add(&format!("{path}.bad[{index}]"), format!("{bad} bad out of {total}"));
                }
                (Some(_), None) | (None, Some(_)) => {
                    let message = "`bad` and `total` must both be null or neither".to_owned();
                    self.add(&format!("{path}.bad[{index}]"), message);
                }
                _ => {}
            }
        }
    }
}

//! Conditions that end a run early. Each is fed one interval at a time and says when it is enough.

use std::{fmt, sync::Arc};

use steadfast_model::sample::{Increment, MetricSample};
use steadfast_probes::{Counted, Probe, ProbeError};

/// A condition that ends a run.
#[derive(Clone)]
pub enum Guard {
    /// A metric is far too bad for some intervals, one after the other. Intervals without traffic do not count. Once
    /// it was measured, an interval in which it cannot be counts as too bad: a guard that sees nothing guards nothing.
    Metric {
        /// The metric, which is also the guard's name.
        metric: String,
        /// The share of bad events that is too much.
        above: f64,
        /// For how many intervals; at least one.
        intervals: u64,
    },
    /// A probe of its own fails some times, one after the other. A look that gets no answer is one that failed.
    Probe {
        /// The guard's name.
        name: String,
        /// What is looked at, once an interval.
        probe: Arc<dyn Probe>,
        /// How many failed looks are too many; at least one.
        failures: u64,
    },
}

impl Guard {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Metric { metric, .. } => metric,
            Self::Probe { name, .. } => name,
        }
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Metric { metric, above, intervals } => {
                write!(f, "{metric}: above {above} for {intervals} intervals")
            }
            Self::Probe { name, probe, failures } => {
                write!(f, "{name}: {} fails {failures} times", probe.describe())
            }
        }
    }
}

/// A guard at work.
#[derive(Debug, Clone, Default)]
pub struct Streak {
    length: u64,
    /// Whether the metric was ever measured.
    measured: bool,
}

impl Streak {
    /// Feeds an interval of a metric. Says why when it is enough.
    pub fn feed_metric(&mut self, sample: &MetricSample, above: f64, intervals: u64) -> Option<String> {
        let Some(Increment { bad, total }) = sample.increment else {
            return self.feed_gap(sample.note.as_deref(), intervals);
        };
        self.measured = true;
        if total == 0 {
            return None;
        }
        let share = bad as f64 / total as f64;
        self.length = if share > above { self.length + 1 } else { 0 };
        (self.length >= intervals.max(1)).then(|| {
            format!(
                "{bad} of {total} events were bad, more than {} %, for {} intervals",
                (above * 1e6).round() / 1e4,
                self.length
            )
        })
    }

    fn feed_gap(&mut self, why: Option<&str>, intervals: u64) -> Option<String> {
        if !self.measured {
            return None;
        }
        self.length += 1;
        (self.length >= intervals.max(1)).then(|| {
            let why = why.unwrap_or("not measured");
            format!("too bad or not to be measured for {} intervals, one after the other: {why}", self.length)
        })
    }

    /// Feeds a look of a probe; nothing when it has not answered yet. Says why when it is enough.
    pub fn feed_look(&mut self, look: Option<&Result<Counted, ProbeError>>, failures: u64) -> Option<String> {
        let saw = match look {
            Some(Ok(counted)) if counted.increment.bad == 0 => {
                self.length = 0;
                return None;
            }
            Some(Ok(counted)) => counted.note.clone().unwrap_or_else(|| "a bad answer".to_owned()),
            Some(Err(error)) => format!("failed to {error}"),
            None => "no answer in time".to_owned(),
        };
        self.length += 1;
        let length = self.length;
        (length >= failures.max(1)).then(|| format!("{length} looks failed, one after the other: {saw}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(bad: u64, total: u64) -> MetricSample {
        MetricSample {
            metric: "pay".to_owned(),
            increment: Some(Increment { bad, total }),
            ..Default::default()
        }
    }

    #[test]
    fn a_metric_must_stay_too_bad_while_there_is_traffic() {
        let mut streak = Streak::default();
        let mut feed = |bad, total| streak.feed_metric(&sample(bad, total), 0.5, 3).is_some();
        assert!(!feed(6, 10) && !feed(6, 10) && !feed(5, 10), "half is not above a half");
        assert!(!feed(6, 10) && !feed(6, 10) && !feed(0, 0) && feed(6, 10));
    }

    #[test]
    fn a_metric_that_was_measured_and_is_no_more_is_as_bad_as_can_be() {
        let gap = || MetricSample {
            metric: "pay".to_owned(),
            increment: None,
            note: Some("failed to read the metrics".to_owned()),
            spans_gap: false,
        };
        let mut streak = Streak::default();
        for _ in 0..5 {
            assert_eq!(streak.feed_metric(&gap(), 0.5, 3), None, "never measured: the baseline says so");
        }
        assert_eq!(streak.feed_metric(&sample(0, 10), 0.5, 3), None);
        assert_eq!(streak.feed_metric(&gap(), 0.5, 3), None);
        assert_eq!(streak.feed_metric(&sample(6, 10), 0.5, 3), None);
        assert!(streak.feed_metric(&gap(), 0.5, 3).unwrap().contains("failed to read the metrics"));
        assert_eq!(streak.feed_metric(&sample(0, 10), 0.5, 3), None, "seen to be well again");
    }

    #[test]
    fn a_probe_must_fail_several_times_and_silence_is_failure() {
        let mut streak = Streak::default();
        let good = Ok(Counted { increment: Increment { bad: 0, total: 1 }, note: None, spans_gap: false });
        let bad = Ok(Counted {
            increment: Increment { bad: 1, total: 1 },
            note: Some("HTTP 500".to_owned()),
            spans_gap: false,
        });
        assert_eq!(streak.feed_look(Some(&bad), 2), None);
        assert_eq!(streak.feed_look(Some(&good), 2), None);
        assert_eq!(streak.feed_look(None, 2), None);
        assert!(streak.feed_look(Some(&bad), 2).unwrap().contains("HTTP 500"));
    }
}

//! Everything about a metric's dispersion that is decided before the fault.

use super::{Dispersion, Estimate, Source, batch_means, batch_means_control};
use crate::arithmetic::exp;
use crate::{Control, Counts, Interval, Metric, Tally, Tolerance};

/// Seconds of history below which dispersion is assumed.
pub const LONG_ENOUGH: f64 = 900.0;
/// Bad events below which batch means learn nothing.
const LEARNABLE: f64 = 10.0;
const LOW_TRAFFIC_FLOOR: f64 = 1.2;
const ASSUMED_RELATIVE: f64 = 4.0;
/// Dispersion of bursts of geometric size with mean 4.
const ASSUMED_ABSOLUTE: f64 = 7.0;
/// Growth of assumed dispersion with the baseline's bad events per minute, for a relative tolerance.
const GROWTH: f64 = 0.1;
/// Deviation and time constant in seconds of the wandering assumed for an absolute tolerance.
const WANDER: (f64, f64) = (0.35, 60.0);
/// Quantiles by which batch means are divided for stop and end: upper-ish estimates.
const QUANTILES: [f64; 2] = [0.25, 0.10];

/// What the time before the fault says about a metric's dispersion, whatever the tolerance.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Learned {
    given: Option<Dispersion>,
    /// Batch means for stop and end.
    hats: [Option<f64>; 2],
    history_seconds: f64,
    history: Tally,
    per_minute: Tally,
}

/// Answers a metric's dispersion at any time of the fault, in constant time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    source: Source,
    /// Of stop and end: what holds whatever the length of the fault.
    least: [f64; 2],
    /// Of stop and end: what may be added up to the assumed dispersion. Equal to `least` if nothing.
    carried: [f64; 2],
    /// Bad events per minute that an absolute tolerance allows.
    allowed_per_minute: f64,
}

impl Learned {
    pub(crate) fn of(metric: &Metric, interval: Interval) -> Self {
        if let Some(control) = &metric.control {
            return Self::of_groups(metric, control, interval);
        }
        let history =
            metric.history.as_ref().filter(|history| !history.is_empty()).unwrap_or(&metric.baseline);
        Self {
            given: metric.dispersion,
            hats: QUANTILES.map(|quantile| batch_means(history, interval, quantile)),
            history_seconds: history.present() as f64 * interval.seconds(),
            history: history.sum(),
            per_minute: per_minute(metric, interval),
        }
    }

    /// The same from two groups without a fault: only intervals in which both were measured count.
    fn of_groups(metric: &Metric, control: &Control, interval: Interval) -> Self {
        let (ours, theirs) = match (&metric.history, &control.history) {
            (Some(ours), Some(theirs)) if !ours.is_empty() => (ours, theirs),
            _ => (&metric.baseline, &control.baseline),
        };
        let mut both = Counts::default();
        for (ours, theirs) in ours.entries().zip(theirs.entries()) {
            both.push(
                ours.zip(theirs)
                    .map(|(ours, theirs)| Tally::new(ours.bad + theirs.bad, ours.total + theirs.total)),
            );
        }
        Self {
            given: metric.dispersion,
            hats: QUANTILES.map(|quantile| batch_means_control(ours, theirs, interval, quantile)),
            history_seconds: both.present() as f64 * interval.seconds(),
            history: both.sum(),
            per_minute: Tally::default(),
        }
    }

    /// What a baseline that is still to come will say, when nothing else is known: nothing about dispersion.
    pub(crate) fn expected(baseline: Tally, seconds: f64, given: Option<Dispersion>) -> Self {
        Self {
            given,
            hats: [None; 2],
            history_seconds: seconds,
            history: baseline,
            per_minute: baseline.scaled(60.0 / seconds.max(1e-3)),
        }
    }

    /// The rule beside a control group, learned from both groups before the fault. A wandering rate cancels; bursts
    /// within one group do not, so that they are what is assumed, and nothing grows with the rate.
    pub(crate) fn beside_control(&self) -> Rule {
        if let Some(Dispersion { abort, end }) = self.given {
            return Rule::fixed([abort, end], Source::Given);
        }
        let history_seconds = self.history_seconds;
        match self.hats {
            [Some(abort), Some(end)] if history_seconds >= LONG_ENOUGH => {
                let few = self.history.bad < LEARNABLE;
                let (lowest, source) =
                    if few { (LOW_TRAFFIC_FLOOR, Source::FewErrors) } else { (1.0, Source::Estimated) };
                Rule::fixed([abort.max(lowest), end.max(lowest)], source)
            }
            hats => {
                let assumed = hats.map(|hat| hat.unwrap_or(1.0).max(ASSUMED_ABSOLUTE));
                Rule::fixed(assumed, Source::Assumed { history_seconds })
            }
        }
    }

    /// The rule for this metric.
    pub(crate) fn rule_for(&self, metric: &Metric) -> Rule {
        if metric.control.is_some() { self.beside_control() } else { self.rule(metric.tolerance) }
    }

    /// The rule for this tolerance.
    pub(crate) fn rule(&self, tolerance: Tolerance) -> Rule {
        if let Some(Dispersion { abort, end }) = self.given {
            return Rule::fixed([abort, end], Source::Given);
        }
        // What is learned gets multiplied by the distance to an absolute tolerance, and so do its errors.
        let distance = match tolerance {
            Tolerance::Absolute(rate) => (rate / self.history.rate().unwrap_or(0.0)).max(1.0),
            Tolerance::Relative(_) => 1.0,
        };
        let few = self.history.bad < LEARNABLE * distance;
        let history_seconds = self.history_seconds;
        let source = if history_seconds < LONG_ENOUGH || self.hats.contains(&None) {
            Source::Assumed { history_seconds }
        } else if few {
            Source::FewErrors
        } else {
            Source::Estimated
        };
        let hats = self.hats.map(|hat| hat.unwrap_or(1.0));
        match tolerance {
            Tolerance::Relative(rho) => {
                let assumed = ASSUMED_RELATIVE.max(1.0 + GROWTH * self.per_minute.bad);
                let floor = if matches!(source, Source::Assumed { .. }) { assumed } else { 1.0 };
                let lowest = if few { LOW_TRAFFIC_FLOOR } else { 1.0 };
                Rule::fixed(hats.map(|hat| (1.0 + rho * (hat.max(floor) - 1.0)).max(lowest)), source)
            }
            Tolerance::Absolute(rate) => {
                let known = source == Source::Estimated;
                let carry = |hat: f64| if known { 1.0 + distance * (hat - 1.0) } else { f64::INFINITY };
                let allowed_per_minute = rate * self.per_minute.total;
                Rule { source, least: hats, carried: hats.map(carry), allowed_per_minute }
            }
        }
    }
}

impl Rule {
    fn fixed(values: [f64; 2], source: Source) -> Self {
        Self { source, least: values, carried: values, allowed_per_minute: 0.0 }
    }

    /// The dispersion after so many seconds of fault.
    pub(crate) fn at(&self, seconds: f64) -> Estimate {
        let assumed = ASSUMED_ABSOLUTE.max(1.0 + wandering(seconds) * self.allowed_per_minute);
        let at = |which: usize| self.least[which].max(self.carried[which].min(assumed));
        Estimate { dispersion: Dispersion { abort: at(0), end: at(1) }, source: self.source }
    }
}

/// What a wandering rate adds to the dispersion of a window, per bad event a minute.
fn wandering(seconds: f64) -> f64 {
    let (deviation, constant) = WANDER;
    let periods = seconds / constant;
    if periods <= 0.0 {
        return 0.0;
    }
    2.0 * (exp(deviation * deviation) - 1.0) * (constant / 60.0) * (1.0 - (1.0 - exp(-periods)) / periods)
}

/// Events per minute before the fault: of baseline or history, whichever has more.
fn per_minute(metric: &Metric, interval: Interval) -> Tally {
    let windows = [Some(&metric.baseline), metric.history.as_ref()];
    windows.into_iter().flatten().fold(Tally::default(), |most, counts| {
        let minutes = counts.present() as f64 * interval.seconds() / 60.0;
        let sum = counts.sum();
        if minutes <= 0.0 {
            return most;
        }
        Tally::new(most.bad.max(sum.bad / minutes), most.total.max(sum.total / minutes))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate(tolerance: Tolerance, intervals: usize, bad: f64, seconds: f64) -> Estimate {
        let counts = Counts::complete(&vec![bad; intervals], &vec![1_000.0; intervals]);
        let metric = Metric::new("a", tolerance, counts, Counts::default());
        Learned::of(&metric, Interval::from_seconds(5)).rule(tolerance).at(seconds)
    }

    #[test]
    fn short_history_is_assumed_to_be_noisy() {
        let found = estimate(Tolerance::Relative(1.5), 60, 1.0, 60.0);
        assert_eq!(found.source, Source::Assumed { history_seconds: 300.0 });
        assert_eq!(found.dispersion, Dispersion { abort: 5.5, end: 5.5 });
        // 120 bad events a minute: 1 + 1.5 x (13 - 1).
        assert!((estimate(Tolerance::Relative(1.5), 60, 10.0, 60.0).dispersion.end - 19.0).abs() < 1e-12);
        // The tolerance allows 120 bad events a minute, whatever the baseline shows.
        let cold = estimate(Tolerance::Absolute(0.01), 60, 0.0, 60.0).dispersion.end;
        assert!((cold - 12.5).abs() < 0.05, "{cold}");
        assert_eq!(estimate(Tolerance::Absolute(0.001), 60, 0.0, 60.0).dispersion.end, 7.0);
    }

    #[test]
    fn fifteen_minutes_of_history_are_believed() {
        let found = estimate(Tolerance::Relative(1.5), 180, 1.0, 60.0);
        assert_eq!((found.source, found.dispersion.end), (Source::Estimated, 1.0));
        assert_ne!(estimate(Tolerance::Relative(1.5), 179, 1.0, 60.0).source, Source::Estimated);
        assert_eq!(estimate(Tolerance::Absolute(0.01), 180, 1.0, 60.0).dispersion.end, 1.0);
    }

    #[test]
    fn history_without_errors_teaches_nothing() {
        let found = estimate(Tolerance::Relative(1.5), 180, 0.0, 60.0);
        assert_eq!((found.source, found.dispersion.end), (Source::FewErrors, 1.2));
        assert!(estimate(Tolerance::Absolute(0.01), 180, 0.0, 60.0).dispersion.end > 12.0);
    }
}

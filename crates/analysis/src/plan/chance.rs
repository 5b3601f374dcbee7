//! Chances and times of one metric.

use super::{Outset, Prospect};
use crate::arithmetic::ln;
use crate::dispersion::{Learned, Rule};
use crate::evidence::Mixture;
use crate::outlook::Levels;
use crate::special::{gamma_regularised, normal_cdf};
use crate::{EndTest, Estimate, Tally, Tolerance};

/// One metric at one usual share, ready to be asked.
pub(super) struct Odds {
    tolerance: Tolerance,
    rate: f64,
    /// Events an interval.
    each: f64,
    /// Intervals of the fault window that count.
    intervals: usize,
    /// How long the fault window is, with what does not count: dispersion grows with that.
    window_seconds: f64,
    interval_seconds: f64,
    baseline: Tally,
    /// Events of the control group for each event of ours.
    control: Option<f64>,
    learned: Learned,
    rule: Rule,
    levels: Levels,
    threshold: f64,
    harm: Mixture,
    hold: Mixture,
}

impl Odds {
    /// `left_out`: seconds of the fault window that do not count.
    pub(super) fn new(
        outset: &Outset,
        left_out: f64,
        prospect: &Prospect,
        rate: f64,
        baseline: Tally,
        learned: Learned,
    ) -> Self {
        let interval_seconds = outset.interval.seconds();
        let rule = match prospect.control {
            Some(_) => learned.beside_control(),
            None => learned.rule(prospect.tolerance),
        };
        Self {
            tolerance: prospect.tolerance,
            rate,
            each: prospect.traffic * interval_seconds,
            intervals: ((outset.fault_seconds - left_out) / interval_seconds).floor().max(0.0) as usize,
            window_seconds: (outset.fault_seconds / interval_seconds).floor().max(0.0) * interval_seconds,
            interval_seconds,
            baseline,
            control: prospect.control.map(|control| control / prospect.traffic),
            learned,
            rule,
            levels: outset.levels(),
            threshold: outset.threshold(),
            harm: Mixture::harm(),
            hold: Mixture::hold(),
        }
    }

    pub(super) fn learned(&self) -> &Learned {
        &self.learned
    }

    /// Dispersion at the end of the fault window.
    pub(super) fn estimate(&self) -> Estimate {
        self.rule.at(self.window_seconds)
    }

    /// What so many events are compared with: the baseline, or the control group's meanwhile.
    pub(super) fn baseline(&self, events: f64) -> Tally {
        self.control.map_or(self.baseline, |control| Tally::new(self.rate, 1.0).scaled(events * control))
    }

    /// The interval after which the evidence of the expected counts stops the run, if it does.
    pub(super) fn stops_after(&self, share: f64) -> Option<usize> {
        let stops = |intervals: usize| {
            let events = intervals as f64 * self.each;
            self.evidence(share * events, events, intervals) >= self.threshold
        };
        if self.intervals == 0 || !stops(self.intervals) {
            return None;
        }
        let (mut before, mut after) = (0, self.intervals);
        while after - before > 1 {
            let middle = usize::midpoint(before, after);
            if stops(middle) {
                after = middle;
            } else {
                before = middle;
            }
        }
        Some(after)
    }

    /// Chance that a run at this share is refuted, early or at the end.
    pub(super) fn found(&self, share: f64) -> f64 {
        let events = self.events();
        let refutes = |bad: f64| {
            self.evidence(bad, events, self.intervals) >= self.threshold
                || self.control.is_none() && self.test(bad).p_harm().is_some_and(|p| p <= self.levels.harm)
        };
        if events <= 0.0 || !refutes(events) {
            return 0.0;
        }
        let fewest = boundary(events, |bad| !refutes(bad)) + 1.0;
        let phi = self.estimate().dispersion.abort;
        match self.tolerance {
            Tolerance::Absolute(_) => gamma_regularised(fewest / phi, share * events / phi).0,
            Tolerance::Relative(_) => 1.0 - self.at_most(fewest - 1.0, share, phi),
        }
    }

    /// The smallest share beyond `tolerated` that is found with this chance.
    pub(super) fn detectable(&self, tolerated: f64, chance: f64) -> Option<f64> {
        if tolerated >= 1.0 || self.found(1.0) < chance {
            return None;
        }
        let (mut low, mut high) = (tolerated, 1.0_f64);
        while high / low > 1.001 {
            let middle = f64::sqrt(low * high);
            if self.found(middle) >= chance {
                high = middle;
            } else {
                low = middle;
            }
        }
        Some(high)
    }

    /// Chance to hold at the usual share.
    pub(super) fn held(&self) -> f64 {
        let events = self.events();
        let holds = |bad: f64| match self.control {
            Some(_) => {
                let phi = self.estimate().dispersion.end;
                let fault = Tally::new(bad, events);
                self.hold.evidence(self.tolerance, fault, self.baseline(events), phi)
                    >= ln(1.0 / self.levels.held)
            }
            None => self.test(bad).p_held().is_some_and(|p| p <= self.levels.held),
        };
        if events <= 0.0 || !holds(0.0) {
            return 0.0;
        }
        let most = boundary(events, holds);
        let phi = self.estimate().dispersion.end;
        match self.tolerance {
            Tolerance::Absolute(_) => gamma_regularised(most / phi + 1.0, self.rate * events / phi).1,
            Tolerance::Relative(_) => self.at_most(most, self.rate, phi),
        }
    }

    fn events(&self) -> f64 {
        self.each * self.intervals as f64
    }

    /// Chance of at most so many bad events at this share, given what the usual share does to the baseline.
    fn at_most(&self, bad: f64, share: f64, phi: f64) -> f64 {
        let (expected, before) = (share * self.events(), self.baseline(self.events()).bad);
        if expected <= 0.0 || before <= 0.0 {
            return 0.0;
        }
        let deviation = (phi * (1.0 / expected + 1.0 / before)).sqrt();
        normal_cdf(ln((bad + 0.5) / expected) / deviation)
    }

    fn evidence(&self, bad: f64, events: f64, intervals: usize) -> f64 {
        let phi = self.rule.at(intervals as f64 * self.interval_seconds).dispersion.abort;
        self.harm.evidence(self.tolerance, Tally::new(bad, events), self.baseline(events), phi)
    }

    fn test(&self, bad: f64) -> EndTest {
        EndTest {
            fault: Tally::new(bad, self.events()),
            baseline: self.baseline,
            tolerance: self.tolerance,
            dispersion: self.estimate().dispersion.end,
        }
    }
}

/// The largest whole number up to `most` for which `true_up_to` still says so; it must for none or all below.
fn boundary(most: f64, true_up_to: impl Fn(f64) -> bool) -> f64 {
    if !true_up_to(0.0) {
        return -1.0;
    }
    let (mut low, mut high) = (0.0, most.floor() + 1.0);
    while high - low > 1.0 {
        let middle = ((low + high) / 2.0).floor();
        if true_up_to(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

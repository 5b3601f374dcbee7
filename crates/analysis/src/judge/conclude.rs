//! From everything seen to a finding.

use super::Judge;
use super::beside::Beside;
use super::watch::Watch;
use crate::arithmetic::exp;
use crate::evidence::Mixture;
use crate::outlook::too_little_data;
use crate::reason::Seen;
use crate::{
    EndTest, Estimate, Finding, MIN_BASELINE_COMPLETENESS, MIN_FAULT_COMPLETENESS, MetricFinding, Outlook,
    Reason, Tally, VERSION, Verdict, Window, culprits,
};

/// What stopped the run.
struct Stop {
    culprits: Vec<usize>,
    names: Vec<String>,
}

impl Judge {
    /// The finding so far. Call it when the fault window is over or after a stop. It changes nothing.
    pub fn conclude(&self) -> Finding {
        let stop = self.stopped_at.map(|index| {
            let evidence: Vec<f64> = self.watches.iter().map(|watch| watch.ln_evidence[index]).collect();
            let culprits = culprits(&evidence, self.threshold);
            let names = culprits.iter().map(|&culprit| self.watches[culprit].name.clone()).collect();
            Stop { culprits, names }
        });
        let hold = Mixture::hold();
        let metrics: Vec<MetricFinding> = self
            .watches
            .iter()
            .enumerate()
            .map(|(index, watch)| {
                // What was over before the stop is judged by itself, unless it is what made the run stop.
                let stops = |stop: &&Stop| !watch.closed || stop.culprits.contains(&index);
                self.metric(index, watch, stop.as_ref().filter(stops), &hold)
            })
            .collect();
        let (verdict, deciding) = overall(&metrics, stop.as_ref());
        let first = &metrics[deciding[0]];
        let sentence = match (metrics.len(), verdict) {
            (1, _) => first.sentence.clone(),
            (count, Verdict::Held) => {
                format!("All {count} metrics held. The closest is {}: {}", first.name, first.sentence)
            }
            _ => format!("{}: {}", first.name, first.sentence),
        };
        Finding {
            verdict,
            reason: first.reason.clone(),
            sentence,
            decided_by: deciding.iter().map(|&index| metrics[index].name.clone()).collect(),
            stopped_at: self.stopped_at,
            ln_evidence: self.ln_evidence.clone(),
            threshold: self.threshold,
            analysis: VERSION.to_owned(),
            metrics,
        }
    }

    fn metric(&self, index: usize, watch: &Watch, stop: Option<&Stop>, hold: &Mixture) -> MetricFinding {
        let Estimate { dispersion, source } = watch.estimate();
        let whole = EndTest {
            fault: watch.fault,
            baseline: watch.baseline,
            tolerance: watch.tolerance,
            dispersion: dispersion.end,
        };
        let settled = EndTest { fault: watch.settled, ..whole };
        let p_values = watch.p_values(&whole, &settled).filter(|_| stop.is_none());
        // What is told is what looks worse, or what keeps it from being held.
        let holds = |test: &EndTest| test.p_held().is_some_and(|p_held| p_held <= self.levels.held);
        let onset_hides = watch.settled.rate() > watch.fault.rate();
        let too_few_settled =
            watch.beside.is_none() && watch.settled.total > 0.0 && holds(&whole) && !holds(&settled);
        let test = if stop.is_none() && (onset_hides || too_few_settled) { settled } else { whole };
        let fault = test.fault;
        let (verdict, reason) = match stop {
            Some(stop) => watch.stopped(index, stop),
            None => self.ended(watch, &test, p_values),
        };
        let levels = self.levels;
        let at_end = stop.is_none();
        let alone = at_end && watch.beside.is_none();
        let compared = watch.beside.as_ref().map_or(watch.baseline, |beside| beside.fault);
        let ratio = match (fault.rate(), compared.rate()) {
            (Some(fault), Some(compared)) if compared > 0.0 => Some(fault / compared),
            _ => None,
        };
        MetricFinding {
            name: watch.name.clone(),
            verdict,
            sentence: reason.sentence(),
            reason,
            tolerance: watch.tolerance,
            baseline_rate: watch.baseline.rate(),
            fault_rate: fault.rate(),
            ratio,
            ratio_interval: alone.then(|| test.ratio_interval(levels.harm, levels.held)).flatten(),
            fault_rate_interval: alone.then(|| test.rate_interval(levels.harm, levels.held)).flatten(),
            dispersion,
            dispersion_source: source,
            ln_evidence: watch.ln_evidence.clone(),
            ln_hold: match &watch.beside {
                Some(beside) => beside.ln_hold(),
                None => hold.evidence(test.tolerance, fault, watch.baseline, dispersion.end),
            },
            p_harm: p_values.map(|(p_harm, _)| p_harm),
            p_held: p_values.map(|(_, p_held)| p_held),
            completeness: watch.completeness(),
            baseline: watch.baseline,
            fault,
            control: watch.beside.as_ref().map(Beside::finding),
        }
    }

    /// Verdict by the test at the end. What is missing is asked first, harm before holding.
    fn ended(&self, watch: &Watch, test: &EndTest, p_values: Option<(f64, f64)>) -> (Verdict, Reason) {
        let inconclusive = |reason| (Verdict::Inconclusive, reason);
        let (Some((p_harm, p_held)), Some(seen)) = (p_values, watch.seen(test.fault)) else {
            let silent = match watch.beside {
                _ if watch.settled.total <= 0.0 => Window::Fault,
                Some(_) => Window::Control,
                None => Window::Baseline,
            };
            return inconclusive(Reason::NoTraffic { window: silent });
        };
        if let Some(problem) = watch.unsteady {
            return inconclusive(Reason::SteadyStateNotMet { problem });
        }
        if p_harm <= self.levels.harm {
            return (Verdict::Refuted, Reason::HarmShownAtEnd { seen, p_harm });
        }
        if watch.baseline.total <= 0.0 {
            return inconclusive(Reason::NoTraffic { window: Window::Baseline });
        }
        let windows = [
            (Window::Fault, watch.completeness(), MIN_FAULT_COMPLETENESS),
            (Window::Baseline, watch.baseline_completeness, MIN_BASELINE_COMPLETENESS),
        ];
        for (window, completeness, needed) in windows {
            if completeness < needed {
                return inconclusive(Reason::IncompleteData { window, completeness, needed });
            }
        }
        if p_held <= self.levels.held {
            return (Verdict::Held, Reason::HeldWithin { seen, p_held });
        }
        if let Some(beside) = &watch.beside {
            let hold = |times| beside.hold_times(times);
            let source = seen.dispersion;
            let needed = Outlook::beside(hold, self.levels, watch.seconds(), source, watch.seconds_each);
            return inconclusive(Reason::NotEnoughEvidence { seen, needed });
        }
        let needed = Outlook::of(&watch.learned, test, self.levels, watch.seconds(), watch.seconds_each);
        if too_little_data(test, self.levels) {
            return inconclusive(Reason::TooLittleData { seen, needed });
        }
        inconclusive(Reason::NotEnoughEvidence { seen, needed })
    }
}

impl Watch {
    /// What was seen under the fault: in all of its time, or in the part that is told about.
    fn seen(&self, fault: Tally) -> Option<Seen> {
        Some(Seen {
            bad: fault.bad,
            total: fault.total,
            left_out: self.fault.total - fault.total,
            rate: fault.rate()?,
            tolerated: match &self.beside {
                Some(beside) => beside.tolerated()?,
                None => self.tolerance.rate(self.baseline)?,
            },
            dispersion: self.estimate().source,
        })
    }

    /// Of harm and of holding; nothing without traffic. Harm is looked for where all of it is known, without the onset.
    /// But who held has held with the onset and without it: bad events known early count, good ones known early do not
    /// thin out what comes late.
    ///
    /// Evidence is a p-value when inverted: it exceeds `1 / p` with a probability of at most `p`.
    fn p_values(&self, whole: &EndTest, settled: &EndTest) -> Option<(f64, f64)> {
        let Some(beside) = &self.beside else {
            return Some((settled.p_harm()?, settled.p_held()?.max(whole.p_held()?)));
        };
        let inverted = |ln_evidence: f64| exp(-ln_evidence.max(0.0));
        let both = self.fault.total > 0.0 && beside.fault.total > 0.0;
        both.then(|| (inverted(self.latest()), inverted(beside.ln_hold())))
    }

    fn stopped(&self, index: usize, stop: &Stop) -> (Verdict, Reason) {
        if let Some(problem) = self.unsteady {
            return (Verdict::Inconclusive, Reason::SteadyStateNotMet { problem });
        }
        match self.seen(self.fault) {
            Some(seen) if stop.culprits.contains(&index) => {
                let (culprits, after_seconds) = (stop.names.clone(), self.seconds());
                (Verdict::Refuted, Reason::HarmShownEarly { culprits, after_seconds, seen })
            }
            _ => (Verdict::Inconclusive, Reason::StoppedEarly { culprits: stop.names.clone() }),
        }
    }
}

/// The verdict over all metrics, and which decided it, the most telling first.
fn overall(metrics: &[MetricFinding], stop: Option<&Stop>) -> (Verdict, Vec<usize>) {
    let with = |verdict| (0..metrics.len()).filter(move |&index| metrics[index].verdict == verdict);
    let mut refuted: Vec<usize> = with(Verdict::Refuted).collect();
    if !refuted.is_empty() {
        if let Some(stop) = stop {
            refuted.sort_by_key(|index| stop.culprits.iter().position(|culprit| culprit == index));
        } else {
            refuted.sort_by(|&a, &b| p(metrics[a].p_harm).total_cmp(&p(metrics[b].p_harm)));
        }
        return (Verdict::Refuted, refuted);
    }
    let mut open: Vec<usize> = with(Verdict::Inconclusive).collect();
    if !open.is_empty() {
        open.sort_by_key(|&index| rank(&metrics[index].reason));
        return (Verdict::Inconclusive, open);
    }
    let mut held: Vec<usize> = with(Verdict::Held).collect();
    held.sort_by(|&a, &b| p(metrics[b].p_held).total_cmp(&p(metrics[a].p_held)));
    (Verdict::Held, held)
}

fn p(value: Option<f64>) -> f64 {
    value.unwrap_or(1.0)
}

/// Which reason for being inconclusive is told first: the one a person must fix first.
fn rank(reason: &Reason) -> u8 {
    match reason {
        Reason::NoTraffic { .. } => 0,
        Reason::SteadyStateNotMet { .. } => 1,
        Reason::IncompleteData { .. } => 2,
        Reason::TooLittleData { .. } => 3,
        Reason::NotEnoughEvidence { .. } => 4,
        _ => 5,
    }
}

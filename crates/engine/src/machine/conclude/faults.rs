//! What a run of several faults showed about each of them.

use steadfast_analysis as analysis;
use steadfast_model::{Verdict, event::FaultConclusion, verdict};

use super::{Injection, Line, Machine, Place};
use crate::reason::{Reason, found};

impl Machine {
    /// Fault by fault. What was shown under one stays shown, whatever ended the run later.
    pub(super) fn faults(&self, finding: Option<&analysis::Finding>) -> Vec<FaultConclusion> {
        let width = self.measured.metrics.len();
        let of = |(index, line): (usize, &Line)| {
            let metrics = finding.map_or(&[][..], |finding| &finding.metrics[index * width..][..width]);
            let (verdict, reason) = self.fault(line, metrics);
            FaultConclusion {
                fault: line.name.clone().unwrap_or_else(|| "the other faults".to_owned()),
                injections: line.injections.iter().map(|&index| self.injections[index].id).collect(),
                verdict,
                reason,
            }
        };
        self.lines.iter().enumerate().map(of).collect()
    }

    /// The same order as for the run as a whole.
    fn fault(&self, line: &Line, metrics: &[analysis::MetricFinding]) -> (Verdict, verdict::Reason) {
        let inconclusive = |reason: verdict::Reason| (Verdict::Inconclusive, reason);
        let own = || line.injections.iter().map(|&index| &self.injections[index]);
        let told = |metric: &usize| {
            let (name, metric) = (&self.measured.metrics[*metric].name, &metrics[*metric]);
            found(&metric.reason, &format!("{name}: {}", metric.sentence))
        };
        let with = |verdict| (0..metrics.len()).filter(move |&index| metrics[index].verdict == verdict);
        if let Some(why) = &self.ending.journal {
            return inconclusive(Reason::StoreUnavailable { why: why.clone() }.into());
        }
        if let Some(metric) = with(analysis::Verdict::Refuted).next()
            && line.active(&self.injections)
        {
            return (Verdict::Refuted, told(&metric));
        }
        if let Some(missed) = own().find(|injection| injection.place == Place::Untouched) {
            return inconclusive(Reason::NotReached { target: missed.target.clone() }.into());
        }
        if let Some(reason) = self.broken().filter(|_| !line.closed) {
            return inconclusive(reason);
        }
        if let Some(reason) = own().find_map(Injection::untested) {
            return inconclusive(reason.into());
        }
        if let Some(metric) = with(analysis::Verdict::Inconclusive).next() {
            return inconclusive(told(&metric));
        }
        let p_held = |metric: &usize| metrics[*metric].p_held.unwrap_or(1.0);
        match (0..metrics.len()).max_by(|one, other| p_held(one).total_cmp(&p_held(other))) {
            Some(closest) if line.closed => (Verdict::Held, told(&closest)),
            _ => inconclusive(Reason::StopRequested { by: self.ending.cut_by() }.into()),
        }
    }
}

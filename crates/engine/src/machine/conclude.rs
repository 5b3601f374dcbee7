//! From everything that happened to a conclusion.

mod faults;

use steadfast_analysis as analysis;
use steadfast_model::{
    Outcome, Phase, Verdict,
    event::{Conclusion, Known},
    verdict,
};

use super::{Action, Injection, Line, Machine, Place, measured::as_json};
use crate::reason::{Reason, found};

/// Least share of the intervals after a fault that must have been measured before slow recovery is believed.
const SEEN: f64 = 0.9;

impl Machine {
    pub(in crate::machine) fn begin_to_conclude(&mut self, out: &mut Vec<Action>) {
        self.concluding = true;
        self.enter(Phase::Conclude, out);
        out.push(Action::StopSampling);
        out.push(Action::StopLoads);
    }

    pub(in crate::machine) fn finish(&mut self, out: &mut Vec<Action>) {
        let conclusion = Box::new(self.conclusion());
        out.push(Action::Emit(Known::Concluded(conclusion.clone())));
        out.push(Action::Finish(conclusion));
        self.phase = Phase::Done;
    }

    fn conclusion(&self) -> Conclusion {
        let finding = self.finding();
        let (outcome, verdict, reason) = self.decide(finding.as_ref());
        let several = self.lines.len() > 1;
        let faults = if several { self.faults(finding.as_ref()) } else { vec![] };
        Conclusion {
            outcome,
            verdict,
            reason,
            analysis: analysis::VERSION.to_owned(),
            finding: as_json(finding.as_ref()),
            samples_digest: self.measured.digest(),
            faults,
        }
    }

    /// What the numbers say. When something other than evidence cut a fault's window short, there is no test at its end:
    /// the test's error rates only hold for a length that was fixed before.
    fn finding(&self) -> Option<analysis::Finding> {
        let judge = self.measured.judge.as_ref().filter(|_| self.measured.judged > 0)?;
        let mut finding = judge.conclude();
        if judge.stopped_at().is_some() || self.complete() {
            return Some(finding);
        }
        let reason = analysis::Reason::StoppedEarly { culprits: vec![self.ending.cut_by()] };
        let width = self.measured.metrics.len();
        for (index, metric) in finding.metrics.iter_mut().enumerate() {
            if self.lines[index / width].closed {
                continue;
            }
            (metric.verdict, metric.reason) = (analysis::Verdict::Inconclusive, reason.clone());
            metric.sentence = reason.sentence();
            (metric.p_harm, metric.p_held) = (None, None);
            (metric.ratio_interval, metric.fault_rate_interval) = (None, None);
        }
        let refuted = |metric: &&analysis::MetricFinding| metric.verdict == analysis::Verdict::Refuted;
        let all_refuted = finding.metrics.iter().filter(refuted).map(|metric| metric.name.clone()).collect();
        (finding.verdict, finding.reason, finding.sentence) = match finding.metrics.iter().find(refuted) {
            Some(metric) => {
                finding.decided_by = all_refuted;
                (metric.verdict, metric.reason.clone(), format!("{}: {}", metric.name, metric.sentence))
            }
            None => (analysis::Verdict::Inconclusive, reason.clone(), reason.sentence()),
        };
        Some(finding)
    }

    /// Outcome, verdict and reason. The order is the point: what broke comes before what was seen, what was seen
    /// before what was not, and `held` is what remains when nothing stands against it.
    fn decide(&self, finding: Option<&analysis::Finding>) -> (Outcome, Verdict, verdict::Reason) {
        let outcome = self.outcome();
        let inconclusive = |reason: verdict::Reason| (outcome, Verdict::Inconclusive, reason);
        if let Some(why) = &self.ending.journal {
            return inconclusive(Reason::StoreUnavailable { why: why.clone() }.into());
        }
        let by_numbers = finding.map(|finding| found(&finding.reason, &finding.sentence));
        if let Some(reason) = finding.and_then(|finding| self.refuted(finding)) {
            return (outcome, Verdict::Refuted, reason);
        }
        if let Some(reason) = self.broken() {
            return inconclusive(reason);
        }
        let Some((finding, reason)) = finding.zip(by_numbers) else {
            return inconclusive(
                Reason::InvalidPlan { problems: vec!["nothing was measured".to_owned()] }.into(),
            );
        };
        if matches!(finding.reason, analysis::Reason::NoTraffic { .. }) {
            let unmeasured = self.measured.unmeasured();
            let unmeasured = unmeasured.map(|(metric, why)| Reason::NotMeasured { metric, why }.into());
            return inconclusive(unmeasured.unwrap_or(reason));
        }
        if let Some(reason) = self.untested() {
            return inconclusive(reason.into());
        }
        match finding.verdict {
            analysis::Verdict::Held => match self.recovery_expected() {
                Some((verdict, reason)) => (outcome, verdict, reason.into()),
                None => (outcome, Verdict::Held, reason),
            },
            _ => inconclusive(reason),
        }
    }

    fn outcome(&self) -> Outcome {
        let untouched = self.injections.iter().all(|injection| injection.place == Place::Untouched);
        if self.ending.failed.is_some() || self.ending.journal.is_some() {
            Outcome::Failed
        } else if untouched {
            Outcome::Refused
        } else if self.ending.harm || self.ending.guard.is_some() || self.ending.person.is_some() {
            Outcome::Stopped
        } else {
            Outcome::Completed
        }
    }

    /// What ended the run other than its plan and its evidence.
    fn broken(&self) -> Option<verdict::Reason> {
        let Self { ending, .. } = self;
        if let Some(reason) = ending.failed.clone().or_else(|| ending.refused.clone()) {
            return Some(reason);
        }
        if let Some((guard, why)) = ending.guard.clone() {
            return Some(Reason::GuardTripped { guard, why }.into());
        }
        let by = ending.person.clone()?;
        Some(Reason::StopRequested { by }.into())
    }

    /// What refutes the hypothesis: a metric, under a fault that was seen in effect.
    fn refuted(&self, finding: &analysis::Finding) -> Option<verdict::Reason> {
        let refuted = |index: &usize| {
            finding.metrics[*index].verdict == analysis::Verdict::Refuted
                && self.line_of(*index).active(&self.injections)
        };
        let place = |name: &String| finding.metrics.iter().position(|metric| metric.name == *name);
        let index = finding.decided_by.iter().filter_map(place).find(refuted)?;
        let metric = &finding.metrics[index];
        if finding.decided_by.first() == Some(&metric.name) {
            return Some(found(&finding.reason, &finding.sentence));
        }
        Some(found(&metric.reason, &format!("{}: {}", metric.name, metric.sentence)))
    }

    fn line_of(&self, metric: usize) -> &Line {
        &self.lines[metric / self.measured.metrics.len()]
    }

    /// Why the hypothesis was not put to the test as planned.
    fn untested(&self) -> Option<Reason> {
        let reason = self.injections.iter().find_map(Injection::untested);
        // Defence in depth: a run that did not run to its end never holds.
        reason.or_else(|| (!self.complete()).then(|| Reason::StopRequested { by: self.ending.cut_by() }))
    }

    /// What the recovery expectation says when everything else held; nothing when it is met or there is none.
    fn recovery_expected(&self) -> Option<(Verdict, Reason)> {
        let within = self.plan.recovery_within?.seconds();
        let unseen = |completeness| (Verdict::Inconclusive, Reason::RecoveryNotSeen { within, completeness });
        let Some(recovery) = &self.recovery else { return Some(unseen(0.0)) };
        match recovery.seconds {
            Some(seconds) if seconds <= within => None,
            _ if recovery.completeness < SEEN || recovery.watched < within => {
                Some(unseen(recovery.completeness))
            }
            seconds => Some((Verdict::Refuted, Reason::RecoveryTooSlow { seconds, within })),
        }
    }

    fn complete(&self) -> bool {
        self.injections.iter().all(|injection| injection.complete)
            && self.commands.iter().all(super::Command::over)
    }
}

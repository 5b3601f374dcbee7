//! What an interval changes.

use steadfast_analysis::{Unsteady, Verdict, culprits};
use steadfast_model::{Phase, event::Known, sample::MetricSample};

use super::{Action, Machine, Place};
use crate::reason::Reason;

impl Machine {
    pub(super) fn sampled(&mut self, samples: &[MetricSample], out: &mut Vec<Action>) {
        let Some(phase) = self.sampled_in() else { return };
        let mut metrics = self.measured.ordered(samples);
        let in_place = self.lines.iter().map(|line| line.in_place(&self.injections)).collect();
        self.borders.keep(self.measured.intervals, (phase, in_place), &mut metrics);
        let sampled = Known::Sampled { interval: self.measured.intervals, phase, metrics: metrics.clone() };
        self.measured.remember(&sampled);
        out.push(Action::Emit(sampled));
        match phase {
            Phase::Baseline => self.sampled_baseline(&metrics, out),
            Phase::Observe => self.sampled_window(&metrics, out),
            _ if !self.closed => {
                self.measured.feed_wait(&metrics);
                self.go_on(out);
            }
            _ => {
                self.measured.feed_after(&metrics);
                self.start_commands(out);
                self.look_for_recovery(out);
            }
        }
        self.give_up_waiting(out);
    }

    /// The phase an interval belongs to that ends now; nothing when none is measured.
    ///
    /// Only what is measured under a fault is [`Phase::Observe`], and judged: intervals before a fault answered and
    /// after it was ordered away, and waits for the next, would thin out the harm that the faults do.
    fn sampled_in(&self) -> Option<Phase> {
        let is = |place| self.injections.iter().any(|injection| injection.place == place);
        match self.phase {
            Phase::Baseline => Some(Phase::Baseline),
            Phase::Inject | Phase::VerifyEffect | Phase::Observe | Phase::Revert | Phase::VerifyGone => {
                Some(match () {
                    () if self.closed => Phase::Recover,
                    () if is(Place::Injected) => Phase::Observe,
                    () if is(Place::Ordered) => Phase::Inject,
                    () => Phase::Recover,
                })
            }
            Phase::Recover => Some(Phase::Recover),
            Phase::Check | Phase::Preflight | Phase::Conclude | Phase::Done => None,
        }
    }

    fn sampled_baseline(&mut self, metrics: &[MetricSample], out: &mut Vec<Action>) {
        self.measured.feed_baseline(metrics);
        if self.measured.intervals < self.schedule.baseline {
            return;
        }
        let problem = self.unsteady().or_else(|| {
            let problems = self.measured.ready(&self.lines).err()?;
            Some(Reason::InvalidPlan { problems })
        });
        let met = problem.is_none();
        let reason = problem.unwrap_or(Reason::SteadyStateMet { metrics: metrics.len() });
        out.push(Action::Emit(Known::SteadyStateJudged { met, reason: (&reason).into() }));
        if met {
            self.advance(out);
        } else {
            self.ending.refuse(reason.into());
            self.begin_to_conclude(out);
        }
    }

    /// Why the fault must not be put in place. Missing traffic is told first: it must be mended first.
    fn unsteady(&self) -> Option<Reason> {
        if let Some((metric, why)) = self.measured.unmeasured() {
            return Some(Reason::NotMeasured { metric, why });
        }
        let found = self.measured.unsteady();
        let silent = found.iter().filter(|(_, problem)| matches!(problem, Unsteady::NoTraffic));
        let silent: Vec<String> = silent.map(|(metric, _)| metric.clone()).collect();
        if !silent.is_empty() {
            return Some(Reason::NoTraffic { metrics: silent });
        }
        let (metric, problem) = found.into_iter().next()?;
        Some(Reason::SteadyStateNotMet { metric, problem })
    }

    fn sampled_window(&mut self, metrics: &[MetricSample], out: &mut Vec<Action>) {
        let index = self.measured.judged;
        self.injections.iter_mut().for_each(super::Injection::judge);
        let since: Vec<_> = self.lines.iter().map(|line| line.since(&self.injections)).collect();
        let step = self.measured.feed_window(metrics, &since);
        if let Some(step) = step.filter(|step| step.stop && !self.ending.harm) {
            let shown = culprits(&step.ln_evidence, step.threshold);
            let metrics = shown.into_iter().map(|culprit| self.measured.names[culprit].clone()).collect();
            self.harm_shown(index, metrics, out);
            return;
        }
        self.go_on(out);
    }

    fn harm_shown(&mut self, interval: u64, metrics: Vec<String>, out: &mut Vec<Action>) {
        self.ending.harm = true;
        out.push(Action::Emit(Known::HarmShown { interval, metrics }));
        self.end_early(out);
    }

    /// Takes away the faults whose time is over; puts the next ones in place when their time has come.
    pub(super) fn go_on(&mut self, out: &mut Vec<Action>) {
        if self.closed {
            return;
        }
        let window = self.measured.window;
        let over = |injection: &super::Injection| {
            injection.place == Place::Injected && window - injection.injected_at >= injection.intervals
        };
        let due: Vec<usize> =
            (0..self.injections.len()).filter(|&index| over(&self.injections[index])).collect();
        for &index in &due {
            self.injections[index].complete = true;
        }
        let goes_on = |injection: &super::Injection| {
            matches!(injection.place, Place::Untouched | Place::Ordered)
                || injection.place == Place::Injected && !injection.complete
        };
        self.closed = !self.injections.iter().any(goes_on);
        for index in due {
            self.revert(index, out);
        }
        self.close_lines(out);
        self.start_due(out);
        self.show_phase(out);
    }

    /// Judges the faults whose window is over, while others are still to come: when harm is shown, they do not.
    fn close_lines(&mut self, out: &mut Vec<Action>) {
        let width = self.measured.metrics.len();
        let Some(judge) = self.measured.judge.as_mut() else { return };
        for index in 0..self.lines.len() {
            let line = &mut self.lines[index];
            if line.closed || !line.injections.iter().all(|&index| self.injections[index].complete) {
                continue;
            }
            line.closed = true;
            let metrics = index * width..(index + 1) * width;
            metrics.clone().for_each(|metric| judge.close(metric));
            if self.closed || !line.active(&self.injections) {
                continue;
            }
            let finding = judge.conclude();
            let refuted = |metric: &usize| finding.metrics[*metric].verdict == Verdict::Refuted;
            let harmed: Vec<String> =
                metrics.filter(refuted).map(|metric| self.measured.names[metric].clone()).collect();
            if !harmed.is_empty() {
                self.harm_shown(self.measured.judged - 1, harmed, out);
                return;
            }
        }
    }
}

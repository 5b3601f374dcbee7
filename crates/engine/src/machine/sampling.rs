//! What an interval changes.

use steadfast_analysis::{Unsteady, culprits};
use steadfast_model::{Phase, event::Known, sample::MetricSample};

use super::{Action, Machine, Place};
use crate::reason::Reason;

impl Machine {
    pub(super) fn sampled(&mut self, samples: &[MetricSample], out: &mut Vec<Action>) {
        let Some(phase) = self.sampled_in() else { return };
        let metrics = self.measured.ordered(samples);
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
            let problems = self.measured.ready().err()?;
            Some(Reason::InvalidPlan { problems })
        });
        let met = problem.is_none();
        let reason = problem.unwrap_or(Reason::SteadyStateMet { metrics: metrics.len() });
        out.push(Action::Emit(Known::SteadyStateJudged { met, reason: (&reason).into() }));
        if met {
            self.inject(out);
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
        let in_place = self.injections.iter().filter(|injection| injection.place == Place::Injected);
        let since = in_place.map(|injection| injection.judged).min().unwrap_or(1);
        let step = self.measured.feed_window(metrics, since);
        if let Some(step) = step.filter(|step| step.stop && !self.ending.harm) {
            let shown = culprits(&step.ln_evidence, step.threshold);
            let metrics = shown.into_iter().map(|culprit| self.plan.metrics[culprit].name.clone()).collect();
            self.ending.harm = true;
            out.push(Action::Emit(Known::HarmShown { interval: index, metrics }));
            self.end_early(out);
            return;
        }
        self.go_on(out);
    }

    /// Takes the current fault away when its time is over; puts the next one in place when its time has come.
    pub(super) fn go_on(&mut self, out: &mut Vec<Action>) {
        if self.closed {
            return;
        }
        let window = self.measured.window;
        let injection = &mut self.injections[self.current];
        match injection.place {
            Place::Injected if window - injection.injected_at >= injection.intervals => {
                injection.complete = true;
                if self.current + 1 == self.injections.len() {
                    self.close();
                }
                self.revert(self.current, out);
            }
            Place::Untouched if self.phase == Phase::Observe && window >= injection.offset => {
                self.inject(out)
            }
            _ => {}
        }
    }

    /// Ends waits that have no answer.
    fn give_up_waiting(&mut self, out: &mut Vec<Action>) {
        let waited = self.measured.intervals - self.since;
        match self.phase {
            Phase::Inject if waited >= self.schedule.injecting => {
                let target = self.injections[self.current].target.clone();
                let why = "there was no answer in time".to_owned();
                self.ending.fail(Reason::InjectionFailed { target, why }.into());
                self.end_early(out);
            }
            Phase::Revert if waited >= self.schedule.reverting => self.give_up_reverting(out),
            Phase::VerifyGone if waited >= self.schedule.vanishing => self.give_up_looking(out),
            _ => {}
        }
    }
}

//! Plans and inputs for tests of the machine.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use steadfast_engine::{
    machine::{Action, Begin, Input, Machine},
    replay::{Replay, replay},
};
use steadfast_model::{
    Duration, Effect, Event, InjectionId, Phase, RunId, Target, WallTime,
    event::{Conclusion, Known, PlannedInjection, PlannedMetric, RunPlan, Tolerance},
    sample::{Increment, MetricSample},
};

/// One metric that may fail in 5 % of events, a baseline of 10 s, faults of 10 s, recovery of 10 s.
pub(crate) fn plan(reversible: &[bool]) -> RunPlan {
    let injection = |(index, &reversible): (usize, &bool)| PlannedInjection {
        injection: InjectionId::new(),
        fault: serde_json::json!({ "processPause": {} }),
        target: Target::Service(format!("service-{index}")),
        duration: Duration::from_secs(10),
        offset: Duration::from_secs(index as u64 * 12),
        reversible,
        turn: None,
        name: None,
    };
    RunPlan {
        interval: Duration::from_secs(1),
        baseline: Duration::from_secs(10),
        fault: Duration::from_secs(10),
        recovery: Duration::from_secs(10),
        alpha: 0.05,
        beta: 0.05,
        metrics: vec![PlannedMetric {
            name: "pay".to_owned(),
            describes: "answers of /pay".to_owned(),
            tolerance: Tolerance::Absolute(0.05),
            onset: Duration::ZERO,
            history: None,
        }],
        injections: reversible.iter().enumerate().map(injection).collect(),
        commands: vec![],
        recovery_within: None,
    }
}

pub(crate) fn begin(plan: RunPlan) -> Begin {
    Begin {
        run: RunId::new(),
        name: "test-abcdef".to_owned(),
        experiment: "test".to_owned(),
        document_digest: "00".to_owned(),
        parameters: std::iter::once(("region".to_owned(), "here".to_owned())).collect(),
        plan,
    }
}

pub(crate) fn sampled(bad: u64, total: u64) -> Input {
    let increment = Some(Increment { bad, total });
    Input::Sampled {
        metrics: vec![MetricSample { metric: "pay".to_owned(), increment, note: None, spans_gap: false }],
    }
}

pub(crate) fn gap() -> Input {
    let note = Some("no answer in time".to_owned());
    Input::Sampled {
        metrics: vec![MetricSample { metric: "pay".to_owned(), increment: None, note, spans_gap: false }],
    }
}

pub(crate) fn resolved(injection: InjectionId) -> Input {
    let target = Target::Service("service-0".to_owned());
    Input::TargetsResolved { injection, target, resolved: vec![], preview: serde_json::json!({ "keys": [] }) }
}

pub(crate) fn active() -> Effect {
    Effect::Active { evidence: "seen".to_owned() }
}

pub(crate) fn idle() -> Effect {
    Effect::Idle { why: "nothing came by".to_owned() }
}

pub(crate) fn absent() -> Effect {
    Effect::Absent { evidence: "nothing there".to_owned() }
}

/// A machine and everything it said.
pub(crate) struct Run {
    pub(crate) machine: Machine,
    pub(crate) ids: Vec<InjectionId>,
    pub(crate) actions: Vec<Action>,
    /// Answers loads and reverts by itself.
    pub(crate) obliging: bool,
}

impl Run {
    pub(crate) fn of(plan: RunPlan) -> Self {
        let ids = plan.injections.iter().map(|planned| planned.injection).collect();
        let (machine, actions) = Machine::new(begin(plan));
        let mut run = Self { machine, ids, actions: vec![], obliging: true };
        run.oblige(actions);
        run
    }

    /// A run whose baseline was fine and whose first fault is in place.
    pub(crate) fn under_fault(plan: RunPlan) -> Self {
        let mut run = Self::of(plan);
        run.prepare();
        run.tell(Input::FaultInjected { injection: run.ids[0] });
        run
    }

    pub(crate) fn prepare(&mut self) {
        for id in self.ids.clone() {
            self.tell(resolved(id));
        }
        self.sample(10, 0, 100);
    }

    pub(crate) fn tell(&mut self, input: Input) {
        let actions = self.machine.on(input);
        self.oblige(actions);
    }

    fn oblige(&mut self, actions: Vec<Action>) {
        self.actions.extend(actions.clone());
        if !self.obliging {
            return;
        }
        for action in actions {
            match action {
                Action::StopLoads => self.tell(Input::LoadsStopped),
                Action::Revert(injection) => self.tell(Input::FaultReverted { injection }),
                Action::ObserveGone(injection) => {
                    self.tell(Input::GoneObserved { injection, effect: absent() })
                }
                _ => {}
            }
        }
    }

    pub(crate) fn sample(&mut self, times: u64, bad: u64, total: u64) {
        for _ in 0..times {
            self.tell(sampled(bad, total));
        }
    }

    pub(crate) fn see(&mut self, effect: Effect) {
        self.tell(Input::EffectObserved { injection: self.ids[0], effect });
    }

    pub(crate) fn conclusion(&self) -> &Conclusion {
        match self.actions.last() {
            Some(Action::Finish(conclusion)) => conclusion,
            _ => panic!("the run is in {:?}, not over", self.machine.phase()),
        }
    }

    /// Outcome, verdict and code of the reason.
    pub(crate) fn ended(&self) -> String {
        let conclusion = self.conclusion();
        format!("{} {} {}", conclusion.outcome, conclusion.verdict, conclusion.reason.code)
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        events(&self.actions)
    }

    pub(crate) fn replay(&self) -> Replay {
        replay(&self.events())
    }

    pub(crate) fn phases(&self) -> Vec<Phase> {
        let phase = |known: Known| if let Known::PhaseEntered { phase } = known { Some(phase) } else { None };
        emitted(&self.actions).filter_map(phase).collect()
    }

    pub(crate) fn position(&self, wanted: impl Fn(&Action) -> bool) -> Option<usize> {
        self.actions.iter().position(wanted)
    }
}

pub(crate) fn emitted(actions: &[Action]) -> impl Iterator<Item = Known> + '_ {
    actions.iter().filter_map(|action| match action {
        Action::Emit(known) => Some(known.clone()),
        _ => None,
    })
}

/// The emitted events as they come back from the history: through JSON text.
pub(crate) fn events(actions: &[Action]) -> Vec<Event> {
    let event = |(sequence, known): (usize, Known)| {
        let event = Event { sequence: sequence as u64, at: WallTime(0), since_start: 0, body: known.into() };
        let text = serde_json::to_string(&event).unwrap();
        serde_json::from_str(&text).unwrap()
    };
    emitted(actions).enumerate().map(event).collect()
}

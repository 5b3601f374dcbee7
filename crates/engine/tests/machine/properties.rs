//! What holds whatever the world says, in whatever order.

use std::collections::HashMap;

use proptest::prelude::*;
use steadfast_engine::{
    machine::{Action, Input, Machine},
    replay,
};
use steadfast_model::{
    Duration, Effect, InjectionId, Phase, Verdict,
    event::{Known, PlannedCommand, RunPlan, Turn},
};

use crate::plans::*;

/// Inputs about injection `0` or `1`; the ids come in later.
#[derive(Debug, Clone)]
enum Told {
    About(usize, About),
    Plain(Input),
    /// What a well-behaved world would answer to the last unanswered action.
    Answer,
    Answers(u8),
}

#[derive(Debug, Clone)]
enum About {
    Resolved,
    Injected,
    Failed,
    Effect(Effect),
    Reverted,
    RevertFailed(bool),
    Gone(Effect),
    LeaseLost,
}

fn effect() -> impl Strategy<Value = Effect> {
    prop_oneof![
        3 => Just(active()),
        1 => Just(idle()),
        1 => Just(absent()),
        1 => Just(Effect::Unknown { why: "dark".to_owned() }),
    ]
}

fn told() -> impl Strategy<Value = Told> {
    let about = prop_oneof![
        Just(About::Resolved),
        Just(About::Injected),
        Just(About::Failed),
        effect().prop_map(About::Effect),
        Just(About::Reverted),
        any::<bool>().prop_map(About::RevertFailed),
        effect().prop_map(About::Gone),
        Just(About::LeaseLost),
    ];
    let rate = prop_oneof![8 => 0..3_u64, 1 => 0..100_u64];
    let ending = prop_oneof![
        Just(Input::StopRequested { by: "interrupt".to_owned() }),
        Just(Input::GuardTripped { guard: "budget".to_owned(), why: "burnt".to_owned() }),
        Just(Input::JournalFailed { why: "full".to_owned() }),
        Just(Input::LoadsStopped),
        Just(Input::Noted { what: "odd".to_owned() }),
        any::<bool>().prop_map(|succeeded| Input::CommandEnded {
            command: 0,
            succeeded,
            how: "so".to_owned()
        }),
    ];
    prop_oneof![
        8 => rate.prop_map(|bad| Told::Plain(sampled(bad, 100))),
        1 => Just(Told::Plain(gap())),
        1 => Just(Told::Plain(sampled(0, 0))),
        20 => Just(Told::Answer),
        20 => (1..40_u8).prop_map(Told::Answers),
        2 => (0..2_usize, about).prop_map(|(index, about)| Told::About(index, about)),
        1 => ending.prop_map(Told::Plain),
    ]
}

fn input(about: About, injection: InjectionId) -> Input {
    match about {
        About::Resolved => resolved(injection),
        About::Injected => Input::FaultInjected { injection },
        About::Failed => {
            let reason =
                steadfast_engine::reason::Reason::InjectionFailed { target: "x".into(), why: "y".into() };
            Input::InjectionFailed { injection, reason: reason.into() }
        }
        About::Effect(effect) => Input::EffectObserved { injection, effect },
        About::Reverted => Input::FaultReverted { injection },
        About::RevertFailed(abandoned) => {
            Input::RevertFailed { injection, why: "no".to_owned(), abandoned, manual: vec![] }
        }
        About::Gone(effect) => Input::GoneObserved { injection, effect },
        About::LeaseLost => Input::LeaseLost { injection, why: "late".to_owned() },
    }
}

/// What a well-behaved world would say to an action.
fn answer(action: &Action) -> Option<Input> {
    Some(match *action {
        Action::Resolve(id) => resolved(id),
        Action::Inject(injection) => Input::FaultInjected { injection },
        Action::ObserveEffect(injection) => Input::EffectObserved { injection, effect: active() },
        Action::Revert(injection) => Input::FaultReverted { injection },
        Action::ObserveGone(injection) => Input::GoneObserved { injection, effect: absent() },
        Action::StopLoads => Input::LoadsStopped,
        Action::Run(command) => {
            Input::CommandEnded { command, succeeded: true, how: "exit code 0".to_owned() }
        }
        _ => return None,
    })
}

/// Plays a world to a machine; afterwards answers and samples until the run is over.
fn play(plan: RunPlan, story: Vec<Told>) -> (Vec<Action>, u64, usize) {
    let ids: Vec<_> = plan.injections.iter().map(|planned| planned.injection).collect();
    let (mut machine, mut actions) = Machine::new(begin(plan));
    let mut answered = 0;
    let mut samples = 0;
    let mut after_done = 0;
    let end = std::iter::repeat_n(Told::Answers(1), 400);
    for told in story.into_iter().chain(end) {
        let inputs = match told {
            Told::About(index, about) => vec![input(about, ids[index % ids.len()])],
            Told::Plain(input) => vec![input],
            Told::Answer | Told::Answers(_) => {
                let mut inputs = vec![];
                while answered < actions.len() {
                    answered += 1;
                    inputs.extend(answer(&actions[answered - 1]));
                }
                if let Told::Answers(count) = told {
                    inputs.extend((0..count).map(|_| sampled(0, 100)));
                }
                inputs
            }
        };
        for input in inputs {
            let measuring =
                !matches!(machine.phase(), Phase::Check | Phase::Preflight | Phase::Conclude | Phase::Done);
            samples += u64::from(measuring && matches!(input, Input::Sampled { .. }));
            let done = machine.phase() == Phase::Done;
            let new = machine.on(input);
            after_done += if done { new.len() } else { 0 };
            actions.extend(new);
        }
    }
    (actions, samples, after_done)
}

/// The injections beside or after each other, each with a name, and a program.
fn place(plan: &mut RunPlan, step: usize, program: usize, wait: u64) {
    let turn = |step, branch| Turn { step, branch, place: 0, wait: Duration::from_secs(wait) };
    for (index, planned) in plan.injections.iter_mut().enumerate() {
        planned.turn = Some(turn(index * step, index));
        planned.name = Some(format!("fault {index}"));
    }
    plan.commands = vec![PlannedCommand {
        describes: "`x`".to_owned(),
        deadline: Duration::from_secs(5),
        turn: turn(program, 9),
    }];
}

/// Intervals that ended while a fault was in place: between the word that it is and the order to take it away.
fn under_fault(known: &[Known]) -> usize {
    let (mut in_place, mut intervals, mut now) = (false, 0, Phase::Check);
    for known in known {
        match known {
            // An answer that comes after the order to take it away is too late.
            Known::FaultInjected { .. } => in_place = now == Phase::Inject,
            Known::PhaseEntered { phase } => {
                in_place &= *phase != Phase::Revert;
                now = *phase;
            }
            Known::Sampled { .. } if in_place => intervals += 1,
            _ => {}
        }
    }
    intervals
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_faults_are_taken_away_and_nothing_holds_without_evidence(
        kinds in prop_oneof![
            Just(vec![true]), Just(vec![false]), Just(vec![true, true]), Just(vec![false, true])
        ],
        beside in prop_oneof![3 => Just(None), 2 => (0_usize..2, 0_usize..2, 0_u64..4).prop_map(Some)],
        story in proptest::collection::vec(told(), 0..60),
    ) {
        let mut plan = plan(&kinds);
        let several = beside.is_some();
        if let Some((step, program, wait)) = beside {
            place(&mut plan, step, program, wait);
        }
        let reversible: HashMap<_, _> =
            plan.injections.iter().map(|planned| (planned.injection, planned.reversible)).collect();
        let (actions, samples, after_done) = play(plan, story);

        prop_assert_eq!(after_done, 0, "nothing is done after the end");
        let finishes = actions.iter().filter(|action| matches!(action, Action::Finish(_))).count();
        prop_assert_eq!(finishes, 1, "every run ends, once");
        let Some(Action::Finish(conclusion)) = actions.last() else {
            return Err(TestCaseError::fail("the end is not the last action"));
        };

        for (position, action) in actions.iter().enumerate() {
            let Action::Inject(id) = action else { continue };
            let steady = |action: &Action| matches!(action, Action::Emit(Known::SteadyStateJudged { met: true, .. }));
            prop_assert!(actions[..position].iter().any(steady), "injected before the steady state was judged");
            prop_assert!(
                actions[position..].contains(&Action::Revert(*id)),
                "a run ended without taking a fault away"
            );
        }
        // A fault that was (or may have been) put in place is never left without an order to take it away.
        for (position, action) in actions.iter().enumerate() {
            let Action::Emit(Known::FaultInjected { injection }) = action else { continue };
            let given_up = actions[..position].iter().any(|action| {
                matches!(action, Action::Emit(Known::RevertFailed { injection: id, .. }) if id == injection)
            });
            prop_assert!(given_up || actions[position..].contains(&Action::Revert(*injection)));
        }

        let known: Vec<Known> = emitted(&actions).collect();
        let numbers: Vec<u64> = known
            .iter()
            .filter_map(|known| if let Known::Sampled { interval, .. } = known { Some(*interval) } else { None })
            .collect();
        prop_assert_eq!(numbers.clone(), (0..samples).collect::<Vec<_>>(), "no sample is lost or doubled");
        let under_fault = if several { None } else { Some(under_fault(&known)) };
        let judged = conclusion.finding["lnEvidence"].as_array().map_or(0, Vec::len);
        let observed = |known: &&Known| matches!(known, Known::Sampled { phase: Phase::Observe, .. });
        prop_assert_eq!(judged, known.iter().filter(observed).count(), "judged is what was measured under a fault");
        if let Some(under_fault) = under_fault {
            prop_assert_eq!(judged, under_fault, "all of it and nothing else");
        }
        for fault in &conclusion.faults {
            prop_assert!(fault.verdict != Verdict::Refuted || conclusion.verdict == Verdict::Refuted);
            prop_assert!(fault.verdict == Verdict::Held || conclusion.verdict != Verdict::Held);
        }
        let total: u64 = known
            .iter()
            .filter_map(|known| match known {
                Known::Sampled { phase: Phase::Observe, metrics, .. } => metrics[0].increment,
                _ => None,
            })
            .map(|increment| increment.total)
            .sum();
        if conclusion.verdict == Verdict::Held {
            prop_assert_eq!(&conclusion.finding["verdict"], "held");
            if !several {
                prop_assert_eq!(&conclusion.finding["metrics"][0]["fault"]["total"], total as f64);
            }
            for (id, reversible) in &reversible {
                let active = |known: &Known| matches!(
                    known,
                    Known::EffectObserved { injection, effect: Effect::Active { .. } } if injection == id
                );
                let gone = |known: &Known| matches!(
                    known,
                    Known::GoneObserved { injection, effect: Effect::Absent { .. } } if injection == id
                );
                prop_assert!(known.iter().any(active), "held without effect");
                prop_assert!(!reversible || known.iter().any(gone), "held without the fault seen to be gone");
            }
            let ending = |known: &Known| matches!(
                known,
                Known::StopRequested { .. } | Known::GuardTripped { .. } | Known::JournalFailed { .. }
                    | Known::LeaseLost { .. } | Known::HarmShown { .. } | Known::InjectionFailed { .. }
                    | Known::CommandEnded { succeeded: false, .. }
            );
            prop_assert!(!known.iter().any(ending), "held although the run was cut short");
        }

        let replay = replay(&events(&actions));
        prop_assert!(replay.agrees, "{:?}", replay.differences);
    }
}

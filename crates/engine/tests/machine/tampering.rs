//! A replay agrees with what happened and with nothing else.

use steadfast_engine::{machine::Input, replay};
use steadfast_model::{EventBody, event::Known};

use crate::plans::*;

fn stories() -> Vec<(&'static str, Run)> {
    let mut held = Run::under_fault(plan(&[true]));
    held.see(idle());
    held.see(active());
    held.sample(20, 1, 100);
    let mut refuted = Run::under_fault(plan(&[true]));
    refuted.see(active());
    refuted.sample(2, 90, 100);
    refuted.sample(10, 0, 100);
    let mut silent = Run::of(plan(&[true]));
    silent.tell(resolved(silent.ids[0]));
    silent.sample(10, 0, 0);
    let mut stopped = Run::under_fault(plan(&[false, true]));
    stopped.see(active());
    stopped.sample(4, 0, 100);
    stopped.tell(Input::StopRequested { by: "terminate".to_owned() });
    let mut unrecorded = Run::under_fault(plan(&[true]));
    unrecorded.see(active());
    unrecorded.sample(1, 0, 100);
    unrecorded.tell(Input::JournalFailed { why: "disk full".to_owned() });
    vec![
        ("held", held),
        ("refuted", refuted),
        ("silent", silent),
        ("stopped", stopped),
        ("unrecorded", unrecorded),
    ]
}

#[test]
fn a_replay_agrees_with_what_was_recorded() {
    for (name, run) in stories() {
        let replay = run.replay();
        assert!(replay.agrees, "{name}: {:?}", replay.differences);
        assert_eq!(replay.conclusion.as_ref(), Some(run.conclusion()), "{name}");
    }
}

#[test]
fn changing_any_one_increment_makes_a_replay_disagree() {
    for (name, run) in stories() {
        let events = run.events();
        for index in 0..events.len() {
            let mut changed = events.clone();
            let EventBody::Known(known) = &mut changed[index].body else { unreachable!() };
            let Known::Sampled { metrics, .. } = &mut **known else { continue };
            let Some(increment) = &mut metrics[0].increment else { continue };
            increment.total += 1;
            let replay = replay(&changed);
            assert!(!replay.agrees, "{name}: event {index}");
            // Traffic in a silent baseline changes the whole story; else it is the digest that tells.
            let tells = replay.differences.iter().any(|what| what.contains("samplesDigest"));
            assert!(tells || name == "silent", "{name}: {:?}", replay.differences);
        }
    }
}

#[test]
fn changing_a_note_or_the_verdict_or_the_plan_makes_a_replay_disagree() {
    let run = &stories()[0].1;
    let changes: [fn(&mut Known) -> bool; 4] = [
        |known| {
            let Known::Sampled { metrics, .. } = known else { return false };
            metrics[0].note = Some("all is well".to_owned());
            true
        },
        |known| {
            let Known::Concluded(conclusion) = known else { return false };
            conclusion.verdict = steadfast_model::Verdict::Refuted;
            true
        },
        |known| {
            let Known::RunStarted { plan, .. } = known else { return false };
            plan.metrics[0].tolerance = steadfast_model::event::Tolerance::Absolute(0.051);
            true
        },
        |known| {
            let Known::EffectObserved { effect, .. } = known else { return false };
            let decides = *effect == active();
            *effect = idle();
            decides
        },
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut events = run.events();
        let changed = events.iter_mut().any(|event| match &mut event.body {
            EventBody::Known(known) => change(known),
            EventBody::Unknown(_) => false,
        });
        assert!(changed && !replay(&events).agrees, "change {number}");
    }
}

#[test]
fn a_missing_or_doubled_event_makes_a_replay_disagree() {
    let run = &stories()[0].1;
    let events = run.events();
    for index in 0..events.len() {
        let mut missing = events.clone();
        missing.remove(index);
        assert!(!replay(&missing).agrees, "without event {index}");
        let mut doubled = events.clone();
        doubled.insert(index, events[index].clone());
        assert!(!replay(&doubled).agrees, "with event {index} twice");
    }
}

#[test]
fn a_run_without_a_conclusion_does_not_agree() {
    let run = &stories()[0].1;
    let events = run.events();
    assert!(!replay(&events[..events.len() - 1]).agrees);
    assert!(!replay(&[]).agrees);
}

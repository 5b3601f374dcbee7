//! Whole runs against a scripted world, in time that tests move.

mod scene;

use std::time::Duration;

use scene::{Script, play, play_with};
use steadfast_engine::{
    guard::Guard,
    host::HostErrorKind,
    plan::{Injection, Item},
    replay,
};
use steadfast_model::{
    Effect, Event, EventBody, InjectionId, Phase,
    event::{Known, Tolerance},
};

fn healthy() -> Script {
    Script { traffic: 100, bad_under_fault: 1, ..Script::default() }
}

#[tokio::test(start_paused = true)]
async fn a_run_without_harm_holds() {
    let played = play(healthy()).await;
    assert_eq!(played.ended(), "completed held heldWithin 0");
    played.is_sound();
    assert!(!played.in_place);
    assert_eq!(played.kept, played.seen);
    assert_eq!(played.count("renew"), 3, "every 3 s for 10 s");
    assert_eq!(played.count("stop load"), 1);
    assert!(played.took < Duration::from_secs(28), "{:?}", played.took);
    let sampled = |wanted| {
        let is = |event: &&Event| matches!(event.body.known(), Some(Known::Sampled { phase, .. }) if *phase == wanted);
        played.seen.iter().filter(is).count()
    };
    assert_eq!([Phase::Baseline, Phase::Observe, Phase::Recover].map(sampled), [10, 10, 5]);
}

#[tokio::test(start_paused = true)]
async fn changing_any_one_stored_increment_makes_a_replay_disagree() {
    let played = play(healthy()).await;
    let mut changed = 0;
    for index in 0..played.kept.len() {
        let mut events = played.kept.clone();
        let EventBody::Known(known) = &mut events[index].body else { unreachable!() };
        let Known::Sampled { metrics, .. } = &mut **known else { continue };
        metrics[0].increment.as_mut().unwrap().bad += 1;
        assert!(!replay(&events).agrees, "event {index}");
        changed += 1;
    }
    assert_eq!(changed, 25);
}

#[tokio::test(start_paused = true)]
async fn a_wall_clock_that_is_set_again_and_again_changes_nothing_but_dates() {
    const YEAR: i64 = 365 * 24 * 3_600;
    // The first event alone has the run's own name.
    let without_dates = |events: &[Event]| {
        let told =
            |event: &Event| (event.sequence, event.since_start, serde_json::to_string(&event.body).unwrap());
        events[1..].iter().map(told).collect::<Vec<_>>()
    };
    let injection = InjectionId::new();
    for bad_under_fault in [1, 90] {
        let script = Script { bad_under_fault, ..healthy() };
        let right = play_with(script.clone(), |plan| the_fault(plan).id = injection).await;
        let wall_clock_wrong_by = vec![0, YEAR, -YEAR, 40, -40, -60 * YEAR];
        let wrong = Script { wall_clock_wrong_by, ..script };
        let wrong = play_with(wrong, |plan| the_fault(plan).id = injection).await;
        wrong.is_sound();
        let dates: Vec<_> = wrong.seen.iter().map(|event| event.at).collect();
        assert!(!dates.is_sorted(), "the clock was set back: {dates:?}");
        assert_eq!((right.ended(), right.took, &right.log), (wrong.ended(), wrong.took, &wrong.log));
        assert_eq!(without_dates(&right.seen), without_dates(&wrong.seen));
    }
}

#[tokio::test(start_paused = true)]
async fn harm_ends_the_fault_early() {
    let played = play(Script { bad_under_fault: 90, ..healthy() }).await;
    assert_eq!(played.ended(), "stopped refuted harmShownEarly 1");
    played.is_sound();
    assert!(played.took < Duration::from_secs(20), "{:?}", played.took);
}

#[tokio::test(start_paused = true)]
async fn without_traffic_nothing_is_injected() {
    let played = play(Script::default()).await;
    assert_eq!(played.ended(), "refused inconclusive noTraffic 2");
    played.is_sound();
    assert_eq!(played.count("inject"), 0);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_measured_is_told_apart_from_silence() {
    let played = play_with(Script { blind: true, ..healthy() }, |plan| plan.guards.clear()).await;
    assert_eq!(played.ended(), "refused inconclusive notMeasured 2");
    assert!(played.end.conclusion.reason.sentence.contains("the answer is HTML"));
    played.is_sound();
}

#[tokio::test(start_paused = true)]
async fn a_fault_without_effect_is_inconclusive() {
    let played = play(Script { no_effect: true, ..healthy() }).await;
    assert_eq!(played.ended(), "completed inconclusive noEffect 2");
    played.is_sound();
}

#[tokio::test(start_paused = true)]
async fn a_fault_that_sticks_is_inconclusive() {
    let played = play(Script { sticks: true, ..healthy() }).await;
    assert_eq!(played.ended(), "completed inconclusive stillThere 2");
    played.is_sound();
}

#[tokio::test(start_paused = true)]
async fn a_stop_is_heard_at_any_moment_and_pressing_twice_loses_nothing() {
    for seconds in 0..27 {
        let stop_after = Duration::from_millis(seconds * 1_000 + 50);
        let played = play(Script { stop_after: Some(stop_after), presses: 3, ..healthy() }).await;
        played.is_sound();
        assert!(!played.in_place, "after {seconds} s");
        if played.took < stop_after {
            continue;
        }
        let outcome = if played.count("inject") == 0 { "refused" } else { "stopped" };
        assert_eq!(played.ended(), format!("{outcome} inconclusive stopRequested 3"), "after {seconds} s");
        let late = played.took - stop_after;
        assert!(late < Duration::from_millis(300), "ended {late:?} after the stop at {seconds} s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_while_an_injection_hangs_still_takes_it_away() {
    let script = Script {
        inject_takes: Duration::from_secs(4),
        stop_after: Some(Duration::from_millis(10_500)),
        ..healthy()
    };
    let played = play(script).await;
    assert_eq!(played.ended(), "stopped inconclusive stopRequested 3");
    played.is_sound();
    assert!(played.count("revert") >= 1);
}

#[tokio::test(start_paused = true)]
async fn a_guard_with_a_probe_of_its_own_ends_the_run() {
    let played = play(Script { guard_fails: true, ..healthy() }).await;
    assert_eq!(played.ended(), "stopped inconclusive guardTripped 2");
    played.is_sound();
    assert!(played.has(|known| matches!(known, Known::GuardTripped { guard, .. } if guard == "alive")));
}

#[tokio::test(start_paused = true)]
async fn a_guard_on_a_metric_ends_the_run() {
    let played = play_with(Script { bad_under_fault: 4, ..healthy() }, |plan| {
        plan.guards = vec![Guard::Metric { metric: "pay".to_owned(), above: 0.03, intervals: 3 }];
    })
    .await;
    assert_eq!(played.ended(), "stopped inconclusive guardTripped 2");
    played.is_sound();
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_hangs_makes_gaps_and_blocks_nothing() {
    let played = play(Script { hangs_under_fault: true, ..healthy() }).await;
    played.is_sound();
    assert_eq!(played.ended(), "completed inconclusive notMeasured 2");
    assert_eq!(played.count("renew"), 3, "leases are kept meanwhile");
    assert!(played.took < Duration::from_secs(40), "{:?}", played.took);

    let stop_after = Some(Duration::from_millis(15_500));
    let stopped = play(Script { hangs_under_fault: true, stop_after, ..healthy() }).await;
    assert!(stopped.took < Duration::from_secs(16), "a stop is heard at once: {:?}", stopped.took);
    stopped.is_sound();
}

#[tokio::test(start_paused = true)]
async fn a_history_that_fails_at_any_event_ends_the_run_and_the_rest_is_spooled() {
    let all = play(healthy()).await.seen.len() as u64;
    for at in 0..all {
        let played = play(Script { journal_fails_at: Some(at), ..healthy() }).await;
        assert_eq!(played.ended(), "failed inconclusive storeUnavailable 4", "event {at}");
        played.is_sound();
        assert!(!played.in_place);
        assert_eq!(played.kept.len() as u64, at);
        let text = std::fs::read_to_string(played.end.spooled.as_ref().unwrap()).unwrap();
        let spooled: Vec<Event> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let together: Vec<Event> = played.kept.iter().cloned().chain(spooled).collect();
        assert_eq!(together, played.seen, "history and spool are the whole run");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_injected_when_that_cannot_be_recorded() {
    let injecting =
        |event: &Event| matches!(event.body.known(), Some(Known::PhaseEntered { phase: Phase::Inject }));
    let at = play(healthy()).await.seen.iter().position(injecting).unwrap() as u64;
    let played = play(Script { journal_fails_at: Some(at), ..healthy() }).await;
    assert_eq!(played.count("inject"), 0);
    assert_eq!(played.count("revert"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_spool_that_cannot_be_written_does_not_keep_the_run_from_ending() {
    let script = Script { journal_fails_at: Some(20), ..healthy() };
    let played = play(script.clone()).await;
    assert!(played.spool.path().exists());
    let nowhere = scene::play_into(script, std::path::Path::new("/proc/nowhere/spool")).await;
    assert_eq!(nowhere.end.spooled, None);
    assert_eq!(nowhere.ended(), "failed inconclusive storeUnavailable 4");
    assert!(!nowhere.in_place);
}

#[tokio::test(start_paused = true)]
async fn a_revert_that_fails_is_tried_again() {
    let played = play(Script { revert_fails: 3, ..healthy() }).await;
    assert_eq!(played.ended(), "completed held heldWithin 0");
    assert_eq!(played.count("revert"), 4);
    assert!(!played.in_place);
    played.is_sound();
}

#[tokio::test(start_paused = true)]
async fn a_revert_that_never_succeeds_fails_the_run() {
    let played = play(Script { revert_fails: 1_000, ..healthy() }).await;
    assert_eq!(played.ended(), "failed inconclusive revertFailed 4");
    played.is_sound();
    let hung = play(Script { revert_hangs: true, ..healthy() }).await;
    assert_eq!(hung.ended(), "failed inconclusive revertFailed 4");
    hung.is_sound();
}

#[tokio::test(start_paused = true)]
async fn an_abandoned_undo_outranks_all() {
    let played = play(Script { revert_fails: 1, revert_abandoned: true, ..healthy() }).await;
    assert_eq!(played.ended(), "failed inconclusive revertAbandoned 5");
    assert_eq!(played.end.abandoned.len(), 1);
    played.is_sound();
    let harmed = Script { bad_under_fault: 90, revert_fails: 1, revert_abandoned: true, ..healthy() };
    let played = play(harmed).await;
    assert_eq!(played.ended(), "failed refuted harmShownEarly 5");
    played.is_sound();
}

#[tokio::test(start_paused = true)]
async fn a_lost_lease_ends_the_run() {
    let played = play(Script { renewals: Some(1), ..healthy() }).await;
    assert_eq!(played.ended(), "failed inconclusive leaseLost 4");
    played.is_sound();
    assert!(!played.in_place);
}

#[tokio::test(start_paused = true)]
async fn trouble_with_a_lease_may_pass_until_it_ends() {
    let trouble = Some(HostErrorKind::Other);
    let script = Script { renewals: Some(1), renew_fails_with: trouble, ..healthy() };
    let played = play(script.clone()).await;
    assert_eq!(
        played.ended(),
        "completed held heldWithin 0",
        "renewed at 3 s, so the lease lasts until 13 s"
    );
    let longer = |plan: &mut steadfast_engine::Plan| {
        let injection = the_fault(plan);
        injection.duration = steadfast_model::Duration::from_secs(30);
    };
    let played = play_with(script, longer).await;
    assert_eq!(played.ended(), "failed inconclusive leaseLost 4");
    assert!(played.took < Duration::from_secs(26), "ended when the lease did: {:?}", played.took);
    played.is_sound();
}

#[tokio::test(start_paused = true)]
async fn a_fault_whose_target_is_gone_is_lost_at_once() {
    let gone = Some(HostErrorKind::TargetGone);
    let script = Script { renewals: Some(0), renew_fails_with: gone, ..healthy() };
    let longer = |plan: &mut steadfast_engine::Plan| {
        let injection = the_fault(plan);
        injection.duration = steadfast_model::Duration::from_secs(30);
    };
    let played = play_with(script, longer).await;
    assert_eq!(played.ended(), "failed inconclusive leaseLost 4");
    assert!(played.took < Duration::from_secs(15), "not when the lease ends: {:?}", played.took);
    played.is_sound();
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_is_said_and_nothing_is_touched() {
    let played = play(Script { unresolved: true, ..healthy() }).await;
    assert_eq!(played.ended(), "refused inconclusive targetNotFound 2");
    played.is_sound();
    let played = play(Script { load_fails: true, ..healthy() }).await;
    assert_eq!(played.ended(), "refused inconclusive loadNotStarted 2");
    assert_eq!(played.count("inject"), 0);
    played.is_sound();
    let played = play(Script { inject_fails: true, ..healthy() }).await;
    assert_eq!(played.ended(), "failed inconclusive injectionFailed 4");
    played.is_sound();
}

#[tokio::test(start_paused = true)]
async fn effect_and_its_end_are_events() {
    let played = play(healthy()).await;
    let active = |known: &Known| matches!(known, Known::EffectObserved { effect: Effect::Active { .. }, .. });
    let gone = |known: &Known| matches!(known, Known::GoneObserved { effect: Effect::Absent { .. }, .. });
    assert!(played.has(active) && played.has(gone));
    assert!(played.has(|known| matches!(known, Known::LoadReported { good: 99, .. })));
}

#[tokio::test(start_paused = true)]
async fn a_panic_anywhere_still_ends_the_run_without_a_verdict() {
    let ends = [
        ("resolve", "refused inconclusive targetNotFound 2"),
        ("start load", "refused inconclusive loadNotStarted 2"),
        ("inject", "failed inconclusive injectionFailed 4"),
        ("renew", "failed inconclusive leaseLost 4"),
        ("revert", "failed inconclusive revertFailed 4"),
        ("stop load", "completed held heldWithin 0"),
    ];
    for (verb, ended) in ends {
        let played = play(Script { panics_in: verb, ..healthy() }).await;
        assert_eq!(played.ended(), ended, "{verb}");
        assert!(replay(&played.seen).agrees);
    }
}

#[tokio::test(start_paused = true)]
async fn an_effect_that_is_lost_before_the_planned_end_never_holds() {
    for seconds in [2, 8] {
        let vanishes_after = Some(Duration::from_secs(seconds));
        let played = play(Script { vanishes_after, bad_under_fault: 0, ..healthy() }).await;
        assert_eq!(played.ended(), "completed inconclusive effectLost 2", "after {seconds} s");
        played.is_sound();
    }
}

fn the_fault(plan: &mut steadfast_engine::Plan) -> &mut Box<Injection> {
    let Item::Inject(injection) = &mut plan.steps[0].branches[0][0] else { unreachable!() };
    injection
}

/// Two faults of 3 s, this long apart, of which 20 % of events may fail.
fn twice(apart: u64) -> impl FnOnce(&mut steadfast_engine::Plan) {
    move |plan| {
        plan.metrics[0].tolerance = Tolerance::Absolute(0.2);
        let injection = the_fault(plan);
        injection.duration = steadfast_model::Duration::from_secs(3);
        let mut again = injection.clone();
        again.id = InjectionId::new();
        plan.steps.push(Item::Wait(steadfast_model::Duration::from_secs(apart)).into());
        plan.steps.push(Item::Inject(again).into());
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_between_two_faults_does_not_thin_out_their_harm() {
    for inject_takes in [0, 4].map(Duration::from_secs) {
        for apart in [1, 50] {
            let script = Script { bad_under_fault: 35, inject_takes, ..healthy() };
            let played = play_with(script, twice(apart)).await;
            played.is_sound();
            let rate = &played.end.conclusion.finding["metrics"][0]["faultRate"];
            assert_eq!(rate, 0.35, "{apart} s apart: {}", played.ended());
            assert!(!played.ended().contains(" held "), "{apart} s apart: {}", played.ended());
            assert_eq!(played.count("inject"), 2, "not so harmful that it would end early");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn short_faults_far_apart_without_harm_hold() {
    let played = play_with(healthy(), twice(50)).await;
    assert_eq!(played.ended(), "completed held heldWithin 0");
    played.is_sound();
    let finding = &played.end.conclusion.finding;
    assert_eq!(
        (&finding["metrics"][0]["completeness"], &finding["metrics"][0]["fault"]["total"]),
        (&1.0.into(), &600.0.into())
    );
    assert!(played.took >= Duration::from_secs(10 + 3 + 50 + 3 + 5), "{:?}", played.took);
}

//! The machine, told what happens, one story a test.

mod effects;
mod history;
mod method;
mod plans;
mod properties;
mod several;
mod tampering;

use plans::*;
use steadfast_engine::{
    exit_code,
    machine::{Action, Input},
};
use steadfast_model::{
    Duration, Phase,
    event::{Dated, DatedHarm, Known},
};

#[test]
fn a_fault_without_harm_holds() {
    let mut run = Run::under_fault(plan(&[true]));
    run.see(active());
    run.sample(20, 1, 100);
    assert_eq!(run.ended(), "completed held heldWithin");
    use Phase::*;
    let phases =
        [Check, Preflight, Baseline, Inject, VerifyEffect, Observe, Revert, VerifyGone, Recover, Conclude];
    assert_eq!(run.phases(), phases);
    assert_eq!(exit_code(run.conclusion(), false), 0);
    assert_eq!(exit_code(run.conclusion(), true), 5);
}

#[test]
fn the_fault_window_is_as_long_as_planned() {
    let mut run = Run::under_fault(plan(&[true]));
    run.see(active());
    run.sample(9, 0, 100);
    assert_eq!(run.machine.phase(), Phase::Observe);
    run.sample(1, 0, 100);
    assert_eq!(run.machine.phase(), Phase::Recover);
    run.sample(5, 0, 100);
    let window = emitted(&run.actions)
        .filter(|known| matches!(known, Known::Sampled { phase: Phase::Observe, .. }))
        .count();
    assert_eq!(window, 10);
    assert_eq!(run.conclusion().finding["metrics"][0]["fault"]["total"], 1000.0);
}

#[test]
fn what_takes_a_while_to_show_is_not_thinned_out_by_the_time_before_it_shows() {
    // 8 % hang under the fault and are known to be bad after 6 of its 10 intervals: 3.2 % of all, 8 % of the rest.
    let mut slow = plan(&[true]);
    slow.metrics[0].onset = Duration::from_secs(6);
    let mut run = Run::under_fault(slow);
    run.see(active());
    run.sample(6, 0, 10_000);
    run.sample(4, 800, 10_000);
    run.sample(20, 0, 10_000);
    let found = &run.conclusion().finding["metrics"][0];
    assert_eq!((&found["faultRate"], &found["fault"]["total"]), (&0.08.into(), &40_000.0.into()));
    assert!(run.ended().contains("refuted"), "{}", run.ended());
    // Known at once, the same counts say something else.
    let mut run = Run::under_fault(plan(&[true]));
    run.see(active());
    run.sample(6, 0, 10_000);
    run.sample(4, 800, 10_000);
    run.sample(20, 0, 10_000);
    assert_eq!(run.conclusion().finding["metrics"][0]["faultRate"], 0.032);
}

#[test]
fn harm_stops_the_fault_early() {
    let mut run = Run::under_fault(plan(&[true]));
    run.see(active());
    run.sample(2, 90, 100);
    assert!(run.position(|action| matches!(action, Action::Emit(Known::HarmShown { .. }))).is_some());
    assert_eq!(run.machine.phase(), Phase::Recover);
    run.sample(10, 0, 100);
    assert_eq!(run.ended(), "stopped refuted harmShownEarly");
    assert_eq!(run.conclusion().finding["metrics"][0]["pHarm"], serde_json::Value::Null);
    assert_eq!(exit_code(run.conclusion(), false), 1);
}

#[test]
fn nothing_is_injected_without_traffic() {
    let mut run = Run::of(plan(&[true]));
    run.tell(resolved(run.ids[0]));
    run.sample(10, 0, 0);
    assert_eq!(run.ended(), "refused inconclusive noTraffic");
    assert!(run.position(|action| matches!(action, Action::Inject(_))).is_none());
    assert_eq!(run.conclusion().finding, serde_json::Value::Null);
}

#[test]
fn nothing_is_injected_into_an_unhealthy_system() {
    let mut run = Run::of(plan(&[true]));
    run.tell(resolved(run.ids[0]));
    run.sample(10, 60, 100);
    assert_eq!(run.ended(), "refused inconclusive steadyStateNotMet");
    assert!(run.position(|action| matches!(action, Action::Inject(_))).is_none());
}

#[test]
fn silence_under_the_fault_never_holds() {
    let mut run = Run::under_fault(plan(&[true]));
    run.see(active());
    run.sample(30, 0, 0);
    assert_eq!(run.ended(), "completed inconclusive noTraffic");
}

#[test]
fn gaps_never_hold() {
    let mut run = Run::under_fault(plan(&[true]));
    run.see(active());
    for index in 0..30 {
        run.tell(if index % 2 == 0 { gap() } else { sampled(0, 1_000) });
    }
    assert_eq!(run.ended(), "completed inconclusive incompleteData");
}

#[test]
fn a_person_stops_a_run_in_every_phase_and_the_fault_is_gone_first() {
    for intervals in 0..26 {
        let mut run = Run::under_fault(plan(&[true]));
        run.see(active());
        run.sample(intervals, 0, 100);
        if run.machine.phase() == Phase::Done {
            continue;
        }
        run.tell(Input::StopRequested { by: "interrupt".to_owned() });
        let length = run.actions.len();
        run.tell(Input::StopRequested { by: "interrupt".to_owned() });
        assert_eq!(run.actions.len(), length, "pressing twice changes nothing");
        assert_eq!(run.ended(), "stopped inconclusive stopRequested", "after {intervals} intervals");
        assert_eq!(exit_code(run.conclusion(), false), 3);
        let reverted = run.position(|action| matches!(action, Action::Revert(_)));
        assert!(reverted.is_some() && reverted < run.position(|action| matches!(action, Action::Finish(_))));
    }
}

#[test]
fn a_stop_before_the_fault_injects_nothing() {
    for intervals in [0, 5] {
        let mut run = Run::of(plan(&[true]));
        run.tell(resolved(run.ids[0]));
        run.sample(intervals, 0, 100);
        run.tell(Input::StopRequested { by: "command".to_owned() });
        assert_eq!(run.ended(), "refused inconclusive stopRequested");
    }
}

#[test]
fn a_stop_while_injecting_reverts_what_may_be_in_place() {
    let mut run = Run::of(plan(&[true]));
    run.prepare();
    assert_eq!(run.machine.phase(), Phase::Inject);
    run.obliging = false;
    run.tell(Input::StopRequested { by: "interrupt".to_owned() });
    assert_eq!(run.actions.last(), Some(&Action::Revert(run.ids[0])));
    // The answer to the injection comes late: the fault is taken away once more.
    run.tell(Input::FaultReverted { injection: run.ids[0] });
    run.tell(Input::FaultInjected { injection: run.ids[0] });
    assert_eq!(run.actions.last(), Some(&Action::Revert(run.ids[0])));
    run.obliging = true;
    run.tell(Input::FaultReverted { injection: run.ids[0] });
    assert_eq!(run.ended(), "stopped inconclusive stopRequested");
}

#[test]
fn a_stop_after_harm_was_shown_keeps_the_verdict() {
    let mut run = Run::under_fault(plan(&[true]));
    run.see(active());
    run.sample(2, 90, 100);
    run.tell(Input::StopRequested { by: "interrupt".to_owned() });
    assert_eq!(run.ended(), "stopped refuted harmShownEarly");
}

#[test]
fn a_guard_ends_the_fault() {
    let mut run = Run::under_fault(plan(&[true]));
    run.see(active());
    run.sample(3, 0, 100);
    run.tell(Input::GuardTripped {
        guard: "budget".to_owned(),
        why: "2 % of the budget is burnt".to_owned(),
    });
    assert_eq!(run.machine.phase(), Phase::Recover);
    run.sample(10, 0, 100);
    assert_eq!(run.ended(), "stopped inconclusive guardTripped");
    let metric = &run.conclusion().finding["metrics"][0];
    assert_eq!(metric["pHeld"], serde_json::Value::Null, "no test at an end that was not planned");
}

#[test]
fn an_abandoned_undo_outranks_all() {
    let mut run = Run::under_fault(plan(&[true]));
    run.see(active());
    run.obliging = false;
    run.sample(10, 0, 100);
    let failed = |abandoned| Input::RevertFailed {
        injection: run.ids[0],
        why: "the proxy does not answer".to_owned(),
        abandoned,
        manual: vec!["kill 4711".to_owned()],
    };
    let (again, given_up) = (failed(false), failed(true));
    run.tell(again);
    assert_eq!(run.actions.last(), Some(&Action::Revert(run.ids[0])));
    run.tell(given_up);
    run.tell(Input::LoadsStopped);
    assert_eq!(run.ended(), "failed inconclusive revertAbandoned");
    assert_eq!(exit_code(run.conclusion(), false), 5);
}

#[test]
fn a_revert_without_answer_is_left_to_the_reaper() {
    let mut run = Run::under_fault(plan(&[true]));
    run.see(active());
    run.obliging = false;
    run.sample(10 + 60, 0, 100);
    run.tell(Input::LoadsStopped);
    assert_eq!(run.ended(), "failed inconclusive revertFailed");
    assert_eq!(exit_code(run.conclusion(), false), 4);
}

#[test]
fn an_injection_that_fails_is_undone() {
    let mut run = Run::of(plan(&[true]));
    run.prepare();
    let reason = steadfast_engine::reason::Reason::InjectionFailed { target: "x".into(), why: "y".into() };
    run.tell(Input::InjectionFailed { injection: run.ids[0], reason: reason.into() });
    assert_eq!(run.ended(), "failed inconclusive injectionFailed");
    assert!(run.position(|action| matches!(action, Action::Revert(_))).is_some());
}

#[test]
fn an_injection_without_answer_is_undone() {
    let mut run = Run::of(plan(&[true]));
    run.prepare();
    run.sample(30, 0, 100);
    assert_eq!(run.ended(), "failed inconclusive injectionFailed");
}

#[test]
fn a_lost_lease_or_history_ends_the_run_without_a_verdict() {
    let mut run = Run::under_fault(plan(&[true]));
    run.see(active());
    run.tell(Input::LeaseLost { injection: run.ids[0], why: "not live".to_owned() });
    assert_eq!(run.ended(), "failed inconclusive leaseLost");

    let mut run = Run::under_fault(plan(&[true]));
    run.see(active());
    run.sample(2, 90, 100);
    run.tell(Input::JournalFailed { why: "no space left".to_owned() });
    assert_eq!(run.ended(), "failed inconclusive storeUnavailable");
    assert_eq!(exit_code(run.conclusion(), false), 4);
}

#[test]
fn a_plan_that_cannot_be_run_is_refused() {
    let mut bad = plan(&[]);
    bad.alpha = 3.0;
    let run = Run::of(bad);
    assert_eq!(run.ended(), "refused inconclusive invalidPlan");
    let problems = run.conclusion().reason.data["problems"].as_array().unwrap().len();
    assert_eq!(problems, 2);
}

#[test]
fn recovery_in_time_holds_and_too_late_refutes() {
    for (bad_after, ended) in [(2, "completed held heldWithin"), (4, "completed refuted recoveryTooSlow")] {
        let mut planned = plan(&[true]);
        planned.recovery_within = Some(Duration::from_secs(3));
        let mut run = Run::under_fault(planned);
        run.see(active());
        run.sample(10, 1, 100);
        run.sample(bad_after, 50, 100);
        run.sample(10, 0, 100);
        assert_eq!(run.ended(), ended);
        let measured = emitted(&run.actions).find_map(|known| match known {
            Known::RecoveryMeasured { seconds, .. } => seconds,
            _ => None,
        });
        assert_eq!(measured, Some(bad_after as f64));
    }
}

/// What the run measured of the recovery.
fn measured(run: &Run) -> (Option<f64>, Option<DatedHarm>) {
    let measured = emitted(&run.actions).find_map(|known| match known {
        Known::RecoveryMeasured { seconds, harm, .. } => Some((seconds, harm)),
        _ => None,
    });
    measured.expect("recovery was measured")
}

#[test]
fn harm_is_dated_by_the_change_of_the_metrics() {
    let mut run = Run::under_fault(plan(&[true]));
    run.see(active());
    run.sample(3, 0, 1_000);
    run.sample(7, 30, 1_000);
    run.sample(2, 30, 1_000);
    run.sample(10, 0, 1_000);
    let (seconds, harm) = measured(&run);
    let harm = harm.unwrap();
    assert_eq!(harm.began, Dated { seconds: 3.0, low: 2.5, high: Some(3.5) });
    assert_eq!(harm.ended, Some(Dated { seconds: 2.0, low: 1.5, high: Some(2.5) }));
    assert_eq!(seconds, Some(2.0), "3 % are tolerated, but it was over only then");
    assert!(run.replay().agrees);
}

#[test]
fn a_streak_by_luck_is_no_recovery() {
    let mut run = Run::of(plan(&[true]));
    run.tell(resolved(run.ids[0]));
    run.sample(10, 0, 40);
    run.tell(Input::FaultInjected { injection: run.ids[0] });
    run.see(active());
    // 8 events an interval, of which one in four fails: too little to stop the fault.
    for index in 0..10 {
        run.sample(1, u64::from(index % 2 == 0) * 4, 8);
    }
    run.sample(5, 0, 1);
    assert_eq!(run.machine.phase(), Phase::Recover, "five events in which nothing fails show nothing");
    run.sample(5, 0, 8);
    let (seconds, _) = measured(&run);
    assert_eq!(seconds, Some(0.0));
    assert!(run.replay().agrees);
}

#[test]
fn a_part_of_the_way_back_is_no_recovery() {
    let mut run = Run::under_fault(plan(&[true]));
    run.see(active());
    run.sample(10, 4, 100);
    // From 50 % to 8 %, where 5 % are tolerated, and only then back.
    run.sample(2, 500, 1_000);
    run.sample(2, 80, 1_000);
    run.sample(6, 0, 1_000);
    assert_eq!(measured(&run).0, Some(4.0));
}

#[test]
fn single_intervals_out_of_tolerance_do_not_hide_that_the_system_is_back() {
    let mut run = Run::under_fault(plan(&[true]));
    run.see(active());
    run.sample(10, 0, 1_000);
    run.sample(2, 500, 1_000);
    for bad in [0, 0, 0, 60, 0, 0, 0, 60] {
        run.sample(1, bad, 1_000);
    }
    let (seconds, harm) = measured(&run);
    assert_eq!(seconds, Some(2.0), "{harm:?}");
    assert!(run.replay().agrees);
}

#[test]
fn without_harm_nothing_is_dated() {
    let mut run = Run::under_fault(plan(&[true]));
    run.see(active());
    run.sample(20, 0, 100);
    assert_eq!(measured(&run), (Some(0.0), None));
}

#[test]
fn recovery_that_cannot_be_seen_is_not_slow_recovery() {
    let mut planned = plan(&[true]);
    planned.recovery_within = Some(Duration::from_secs(3));
    let mut run = Run::under_fault(planned);
    run.see(active());
    run.sample(10, 1, 100);
    (0..10).for_each(|_| run.tell(gap()));
    assert_eq!(run.ended(), "completed inconclusive recoveryNotSeen");
}

#[test]
fn recovery_of_a_killed_process_counts_from_the_kill() {
    let mut run = Run::under_fault(plan(&[false]));
    run.see(active());
    run.sample(1, 0, 100);
    run.sample(2, 6, 100);
    run.sample(7, 0, 100);
    assert_eq!(run.ended(), "completed held heldWithin", "recovered within the fault window already");
    let measured =
        |known| matches!(known, Known::RecoveryMeasured { seconds: Some(seconds), .. } if seconds == 3.0);
    assert!(emitted(&run.actions).any(measured));
    assert!(!run.phases().contains(&Phase::VerifyGone), "there is nothing to take back");
}

//! Several faults in one run, and what lies between them.

use super::plans::*;
use steadfast_engine::machine::{Action, Input};
use steadfast_model::{
    Duration, Phase,
    event::{RunPlan, Tolerance},
    sample::{Increment, MetricSample},
};

#[test]
fn injections_follow_each_other() {
    let mut run = Run::under_fault(plan(&[true, true]));
    run.see(active());
    run.sample(10, 0, 100);
    assert_eq!(run.machine.phase(), Phase::Recover);
    run.sample(2, 0, 100);
    assert_eq!(run.machine.phase(), Phase::Inject);
    assert_eq!(run.actions.last(), Some(&Action::Inject(run.ids[1])));
    run.tell(Input::FaultInjected { injection: run.ids[1] });
    run.tell(Input::EffectObserved { injection: run.ids[1], effect: active() });
    run.sample(20, 0, 100);
    assert_eq!(run.ended(), "completed held heldWithin");
    assert_eq!(run.conclusion().finding["metrics"][0]["fault"]["total"], 2000.0, "the wait is not judged");
    assert!(run.replay().agrees);
}

/// Two faults of 3 s with 50 s between them, of which 20 % of events may fail.
fn short_faults_far_apart() -> steadfast_model::event::RunPlan {
    let mut plan = plan(&[true, true]);
    plan.metrics[0].tolerance = Tolerance::Absolute(0.2);
    plan.injections.iter_mut().for_each(|planned| planned.duration = Duration::from_secs(3));
    plan.injections[1].offset = Duration::from_secs(53);
    plan
}

#[test]
fn waits_between_faults_do_not_thin_out_harm() {
    let mut run = Run::under_fault(short_faults_far_apart());
    run.see(active());
    run.sample(3, 35, 100);
    assert_eq!(run.machine.phase(), Phase::Recover, "nobody is told of a fault while there is none");
    run.sample(20, 0, 100);
    let progress = run.machine.progress();
    assert_eq!((progress.done, progress.of), (20, Some(50)), "the wait is as long as planned");
    assert_eq!(run.phases().last(), Some(&Phase::Recover));
    run.sample(30, 0, 100);
    assert_eq!(run.actions.last(), Some(&Action::Inject(run.ids[1])), "its time has come");
    run.tell(Input::FaultInjected { injection: run.ids[1] });
    run.tell(Input::EffectObserved { injection: run.ids[1], effect: active() });
    run.sample(3, 35, 100);
    run.sample(20, 0, 100);
    assert_ne!(run.conclusion().verdict, steadfast_model::Verdict::Held, "{}", run.ended());
    assert_eq!(run.conclusion().finding["metrics"][0]["faultRate"], 0.35);
    assert!(run.replay().agrees);
}

#[test]
fn intervals_before_an_injection_answers_are_not_judged() {
    let mut run = Run::of(plan(&[true]));
    run.prepare();
    run.sample(25, 0, 100);
    run.tell(Input::FaultInjected { injection: run.ids[0] });
    run.see(active());
    run.sample(9, 7, 100);
    assert_eq!(run.machine.phase(), Phase::Observe, "the fault lasts as long as planned all the same");
    run.sample(20, 7, 100);
    let metric = &run.conclusion().finding["metrics"][0];
    assert_eq!((&metric["faultRate"], &metric["fault"]["total"]), (&0.07.into(), &1000.0.into()));
    assert_ne!(run.conclusion().verdict, steadfast_model::Verdict::Held);
    assert!(run.replay().agrees);
}

#[test]
fn a_slow_revert_between_faults_is_not_judged() {
    let mut run = Run::under_fault(plan(&[true, true]));
    run.see(active());
    run.obliging = false;
    run.sample(20, 0, 100);
    assert_eq!(run.machine.phase(), Phase::Revert);
    run.obliging = true;
    run.tell(Input::FaultReverted { injection: run.ids[0] });
    run.tell(Input::FaultInjected { injection: run.ids[1] });
    run.tell(Input::EffectObserved { injection: run.ids[1], effect: active() });
    run.sample(30, 0, 100);
    assert_eq!(run.conclusion().finding["metrics"][0]["fault"]["total"], 2000.0);
    assert!(run.replay().agrees);
}

#[test]
fn gaps_in_a_wait_do_not_make_a_finding_incomplete_and_gaps_under_a_fault_do() {
    for (under_fault, ended) in
        [(false, "completed held heldWithin"), (true, "completed inconclusive incompleteData")]
    {
        let mut run = Run::under_fault(short_faults_far_apart());
        run.see(active());
        let measured = |blind: bool| if blind { gap() } else { sampled(0, 100) };
        (0..3).for_each(|_| run.tell(measured(under_fault)));
        (0..50).for_each(|_| run.tell(measured(!under_fault)));
        run.tell(Input::FaultInjected { injection: run.ids[1] });
        run.tell(Input::EffectObserved { injection: run.ids[1], effect: active() });
        run.sample(30, 0, 100);
        assert_eq!(run.ended(), ended);
    }
}

/// Counts that reach back over the gap before them.
fn reaching_back(bad: u64, total: u64) -> Input {
    let increment = Some(Increment { bad, total });
    Input::Sampled {
        metrics: vec![MetricSample { metric: "pay".to_owned(), increment, note: None, spans_gap: true }],
    }
}

#[test]
fn what_was_counted_over_the_beginning_of_a_fault_is_a_gap() {
    let mut run = Run::of(RunPlan { baseline: Duration::from_secs(30), ..plan(&[true]) });
    run.tell(resolved(run.ids[0]));
    run.sample(29, 0, 100);
    run.tell(gap());
    run.tell(Input::FaultInjected { injection: run.ids[0] });
    run.see(active());
    run.tell(reaching_back(7, 407));
    run.sample(9, 0, 100);
    run.sample(20, 0, 100);
    let metric = &run.conclusion().finding["metrics"][0];
    assert_eq!((&metric["fault"]["total"], &metric["completeness"]), (&900.0.into(), &0.9.into()));
    assert!(run.replay().agrees);
}

#[test]
fn what_was_counted_over_the_end_of_a_fault_is_a_gap_and_within_it_is_not() {
    let mut run = Run::under_fault(plan(&[true]));
    run.see(active());
    run.sample(2, 0, 100);
    run.tell(gap());
    run.tell(reaching_back(3, 200));
    run.sample(5, 0, 100);
    run.tell(gap());
    run.tell(reaching_back(90, 200));
    run.sample(20, 0, 100);
    let metric = &run.conclusion().finding["metrics"][0];
    assert_eq!((&metric["fault"]["bad"], &metric["fault"]["total"]), (&3.0.into(), &900.0.into()));
    let shown = run
        .events()
        .iter()
        .filter(|event| format!("{event:?}").contains("before a fault began or ended"))
        .count();
    assert_eq!(shown, 1, "it is told why");
}

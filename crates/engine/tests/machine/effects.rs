//! What was seen of the fault itself, and what that lets a run say.

use steadfast_engine::machine::Input;
use steadfast_model::Effect;

use crate::plans::*;

#[test]
fn a_fault_without_effect_shows_nothing_whatever_the_metrics_say() {
    for bad in [0, 90] {
        let mut run = Run::under_fault(plan(&[true]));
        run.see(idle());
        run.sample(30, bad, 100);
        assert!(run.ended().ends_with("inconclusive noEffect"), "{}", run.ended());
    }
}

#[test]
fn a_fault_that_ends_before_its_time_never_holds() {
    let mut run = Run::under_fault(plan(&[true]));
    run.see(active());
    run.sample(3, 0, 100);
    run.see(absent());
    run.sample(30, 0, 100);
    assert_eq!(run.ended(), "completed inconclusive effectLost");
}

#[test]
fn a_fault_that_met_hardly_any_interval_never_holds() {
    let mut late = Run::under_fault(plan(&[true]));
    late.see(idle());
    late.sample(7, 0, 100);
    late.see(active());
    late.sample(30, 0, 100);
    assert_eq!(late.ended(), "completed inconclusive effectSeldom");
    let mut once = Run::under_fault(plan(&[true]));
    once.see(active());
    once.sample(3, 0, 100);
    once.see(idle());
    once.sample(30, 0, 100);
    assert_eq!(once.ended(), "completed inconclusive effectSeldom");
    assert!(late.replay().agrees && once.replay().agrees);
}

#[test]
fn a_fault_without_traffic_for_a_while_is_not_lost_but_one_that_vanishes_then_is() {
    let unknown = || Effect::Unknown { why: "the proxy does not answer".to_owned() };
    for (seen, ended) in [
        (vec![idle()], "completed held heldWithin"),
        (vec![unknown()], "completed held heldWithin"),
        (vec![idle(), absent()], "completed inconclusive effectLost"),
        (vec![unknown(), absent()], "completed inconclusive effectLost"),
        (vec![absent(), active()], "completed inconclusive effectLost"),
    ] {
        let mut run = Run::under_fault(plan(&[true]));
        run.see(active());
        run.sample(9, 0, 100);
        seen.iter().cloned().for_each(|effect| run.see(effect));
        run.sample(30, 0, 100);
        assert_eq!(run.ended(), ended, "{seen:?}");
        assert!(run.replay().agrees);
    }
}

#[test]
fn a_fault_that_is_not_seen_to_be_gone_never_holds() {
    let mut run = Run::under_fault(plan(&[true]));
    run.see(active());
    run.obliging = false;
    run.sample(10, 0, 100);
    run.tell(Input::FaultReverted { injection: run.ids[0] });
    run.tell(Input::GoneObserved { injection: run.ids[0], effect: active() });
    run.sample(30, 0, 100);
    run.tell(Input::LoadsStopped);
    assert_eq!(run.ended(), "completed inconclusive stillThere");
}

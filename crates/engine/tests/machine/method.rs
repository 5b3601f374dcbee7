//! Faults beside each other, faults that are judged by themselves, and programs between them.

use super::plans::*;
use steadfast_engine::machine::{Action, Input};
use steadfast_model::{
    Duration, Phase,
    event::{Known, PlannedCommand, RunPlan, Turn},
};

/// The injections of a plan at these places, with these names.
fn placed(mut plan: RunPlan, places: &[(usize, usize, u64)], names: &[&str]) -> RunPlan {
    for ((planned, &(step, branch, wait)), name) in plan.injections.iter_mut().zip(places).zip(names) {
        planned.turn = Some(turn(step, branch, wait));
        planned.name = (!name.is_empty()).then(|| (*name).to_owned());
    }
    plan
}

fn turn(step: usize, branch: usize, wait: u64) -> Turn {
    Turn { step, branch, place: 0, wait: Duration::from_secs(wait) }
}

fn program(step: usize, branch: usize) -> PlannedCommand {
    PlannedCommand {
        describes: "`deploy`".to_owned(),
        deadline: Duration::from_secs(20),
        turn: turn(step, branch, 0),
    }
}

fn ready(plan: RunPlan) -> Run {
    let mut run = Run::of(plan);
    run.prepare();
    run
}

fn inject(run: &mut Run, index: usize) {
    run.tell(Input::FaultInjected { injection: run.ids[index] });
    run.tell(Input::EffectObserved { injection: run.ids[index], effect: active() });
}

fn lines(run: &Run) -> Vec<String> {
    let line = |line: &steadfast_model::event::FaultConclusion| {
        format!("{}: {} {}", line.fault, line.verdict, line.reason.code)
    };
    run.conclusion().faults.iter().map(line).collect()
}

#[test]
fn faults_beside_each_other_are_in_place_at_once_and_each_has_its_verdict() {
    let mut run = ready(placed(plan(&[true, true]), &[(0, 0, 0), (0, 1, 0)], &["slow", "down"]));
    let ordered = run.actions.iter().filter(|action| matches!(action, Action::Inject(_))).count();
    assert_eq!(ordered, 2, "both are ordered at once");
    inject(&mut run, 0);
    assert_eq!(run.machine.phase(), Phase::Inject, "the other has not answered yet");
    inject(&mut run, 1);
    assert_eq!(run.machine.phase(), Phase::Observe);
    run.sample(20, 0, 200);
    assert_eq!(run.ended(), "completed held heldWithin");
    assert_eq!(lines(&run), ["slow: held heldWithin", "down: held heldWithin"]);
    let names: Vec<_> =
        (0..2).map(|index| run.conclusion().finding["metrics"][index]["name"].clone()).collect();
    assert_eq!(names, ["pay under slow", "pay under down"]);
    assert!(run.replay().agrees);
}

#[test]
fn a_fault_beside_another_may_begin_later_and_end_earlier() {
    let mut late = placed(plan(&[true, true]), &[(0, 0, 0), (0, 1, 4)], &["long", "short"]);
    late.injections[1].duration = Duration::from_secs(3);
    let mut run = ready(late);
    inject(&mut run, 0);
    run.sample(3, 0, 200);
    assert!(!run.actions.contains(&Action::Inject(run.ids[1])));
    run.sample(1, 0, 200);
    assert_eq!(run.actions.last(), Some(&Action::Inject(run.ids[1])));
    inject(&mut run, 1);
    run.sample(3, 0, 200);
    assert_eq!(run.machine.phase(), Phase::Observe, "one is gone, the other is still there");
    run.sample(20, 0, 200);
    let total = |index: usize| run.conclusion().finding["metrics"][index]["fault"]["total"].clone();
    assert_eq!((total(0), total(1)), (2000.0.into(), 600.0.into()));
    assert!(run.replay().agrees);
}

#[test]
fn the_next_step_waits_for_all_branches_to_be_over() {
    let mut two_steps =
        placed(plan(&[true, true, true]), &[(0, 0, 0), (0, 1, 0), (1, 0, 2)], &["a", "b", "c"]);
    two_steps.injections[1].duration = Duration::from_secs(4);
    let mut run = ready(two_steps);
    inject(&mut run, 0);
    inject(&mut run, 1);
    run.sample(11, 0, 100);
    assert!(!run.actions.contains(&Action::Inject(run.ids[2])), "it waits for 2 s more");
    run.sample(1, 0, 100);
    assert_eq!(run.actions.last(), Some(&Action::Inject(run.ids[2])));
    assert_eq!(run.machine.progress().phase, Phase::Inject);
}

/// A ramp of three steps.
fn ramp() -> Run {
    let steps = [(0, 0, 0), (1, 0, 0), (2, 0, 0)];
    ready(placed(plan(&[true, true, true]), &steps, &["10 %", "50 %", "100 %"]))
}

#[test]
fn a_ramp_ends_where_harm_shows_and_what_held_before_stays_held() {
    let mut run = ramp();
    inject(&mut run, 0);
    run.sample(10, 0, 1_000);
    inject(&mut run, 1);
    run.sample(2, 900, 1_000);
    run.sample(20, 0, 1_000);
    assert_eq!(run.ended(), "stopped refuted harmShownEarly");
    assert_eq!(
        lines(&run),
        ["10 %: held heldWithin", "50 %: refuted harmShownEarly", "100 %: inconclusive notReached"]
    );
    assert!(!run.actions.contains(&Action::Inject(run.ids[2])));
    assert!(run.replay().agrees);
}

#[test]
fn a_ramp_ends_when_a_step_is_refuted_at_its_end() {
    // The fewest bad events that end the ramp: not enough to stop at once, but enough at the end of the step.
    let shown = |run: &Run| run.position(|action| matches!(action, Action::Emit(Known::HarmShown { .. })));
    let (bad, mut refuted) = (500..)
        .step_by(10)
        .map(|bad| (bad, run_of_steps(bad)))
        .find(|(_, run)| shown(run).is_some())
        .expect("more and more bad events are harm at last");
    refuted.sample(20, 0, 10_000);
    assert_eq!(refuted.ended(), "stopped refuted harmShownAtEnd", "{bad}");
    assert!(!refuted.actions.contains(&Action::Inject(refuted.ids[1])), "the next step never comes");
    assert!(refuted.replay().agrees);
}

/// A ramp whose first step is over, with so many bad events of 10,000 an interval.
fn run_of_steps(bad: u64) -> Run {
    let mut run = ramp();
    inject(&mut run, 0);
    run.sample(10, bad, 10_000);
    run
}

#[test]
fn calm_under_one_fault_does_not_hide_harm_under_another() {
    let names = ["calm", "bad"];
    let told = |names: &[&str]| {
        let mut long = placed(plan(&[true, true]), &[(0, 0, 0), (1, 0, 0)], names);
        long.injections[0].duration = Duration::from_secs(100);
        let mut run = ready(long);
        inject(&mut run, 0);
        run.sample(100, 0, 1_000);
        inject(&mut run, 1);
        run.sample(10, 200, 1_000);
        run.sample(20, 0, 1_000);
        run.ended()
    };
    assert!(told(&["", ""]).contains("held"), "together they are within tolerance: {}", told(&["", ""]));
    assert!(told(&names).contains("refuted"), "{}", told(&names));
}

#[test]
fn a_fault_without_effect_is_inconclusive_and_so_is_the_run() {
    let mut run = ready(placed(plan(&[true, true]), &[(0, 0, 0), (1, 0, 0)], &["works", "does not"]));
    inject(&mut run, 0);
    run.sample(10, 0, 1_000);
    run.tell(Input::FaultInjected { injection: run.ids[1] });
    run.sample(30, 0, 1_000);
    assert_eq!(run.ended(), "completed inconclusive noEffect");
    assert_eq!(lines(&run), ["works: held heldWithin", "does not: inconclusive noEffect"]);
}

#[test]
fn repetitions_of_a_fault_are_judged_together() {
    let mut run = ready(placed(plan(&[true, true]), &[(0, 0, 0), (1, 0, 5)], &["same", "same"]));
    inject(&mut run, 0);
    run.sample(15, 0, 100);
    inject(&mut run, 1);
    run.sample(30, 0, 100);
    assert_eq!(run.ended(), "completed held heldWithin");
    assert_eq!(run.conclusion().faults, [], "one fault has one verdict");
    assert_eq!(run.conclusion().finding["metrics"][0]["fault"]["total"], 2000.0);
}

fn with_programs(programs: Vec<PlannedCommand>, step: usize) -> RunPlan {
    RunPlan { commands: programs, ..placed(plan(&[true]), &[(step, 0, 0)], &[""]) }
}

fn end_program(run: &mut Run, command: usize, succeeded: bool) {
    run.tell(Input::CommandEnded { command, succeeded, how: "exit code 1".to_owned() });
}

#[test]
fn a_program_comes_before_the_fault_and_is_not_judged() {
    let mut run = ready(with_programs(vec![program(0, 0)], 1));
    assert!(run.actions.contains(&Action::Run(0)));
    run.sample(5, 50, 100);
    assert!(!run.actions.contains(&Action::Inject(run.ids[0])));
    end_program(&mut run, 0, true);
    assert_eq!(run.actions.last(), Some(&Action::Inject(run.ids[0])));
    inject(&mut run, 0);
    run.sample(30, 0, 100);
    assert_eq!(run.ended(), "completed held heldWithin");
    assert_eq!(run.conclusion().finding["metrics"][0]["fault"]["total"], 1000.0);
    assert!(run.replay().agrees);
}

#[test]
fn a_program_beside_a_fault_or_after_it_is_waited_for() {
    for step in [0, 1] {
        let mut run = ready(with_programs(vec![program(step, 1)], 0));
        inject(&mut run, 0);
        run.sample(12, 0, 100);
        assert!(run.actions.contains(&Action::Run(0)), "step {step}");
        run.sample(10, 0, 100);
        assert_eq!(run.machine.phase(), Phase::Recover, "the run is not over before the program is");
        end_program(&mut run, 0, true);
        assert_eq!(run.ended(), "completed held heldWithin", "step {step}");
        assert!(run.replay().agrees);
    }
}

#[test]
fn a_program_that_fails_ends_the_run_and_the_fault() {
    let mut run = ready(with_programs(vec![program(0, 1), program(1, 0)], 0));
    inject(&mut run, 0);
    run.sample(3, 0, 100);
    end_program(&mut run, 0, false);
    assert!(run.actions.contains(&Action::Revert(run.ids[0])));
    assert_eq!(run.ended(), "failed inconclusive commandFailed");
    assert!(!run.actions.contains(&Action::Run(1)));
    assert!(run.replay().agrees);
}

#[test]
fn a_stop_ends_the_programs_that_run() {
    let mut run = ready(with_programs(vec![program(0, 1), program(1, 0)], 0));
    inject(&mut run, 0);
    run.sample(3, 0, 100);
    run.tell(Input::StopRequested { by: "interrupt".to_owned() });
    assert!(run.actions.contains(&Action::StopCommands));
    assert_eq!(run.ended(), "stopped inconclusive stopRequested");
    assert!(!run.actions.contains(&Action::Run(1)));
    end_program(&mut run, 0, true);
    assert!(run.replay().agrees);
}

#[test]
fn a_program_without_an_answer_ends_the_run() {
    let mut run = ready(with_programs(vec![program(0, 0)], 1));
    run.sample(60, 0, 100);
    assert_eq!(run.ended(), "failed inconclusive commandFailed");
    assert!(run.position(|action| matches!(action, Action::Inject(_))).is_none());
    assert!(run.replay().agrees);
}

#[test]
fn a_guard_before_the_first_fault_ends_the_run() {
    let tripped = || Input::GuardTripped { guard: "alive".to_owned(), why: "it is not".to_owned() };
    let mut run = ready(with_programs(vec![program(0, 0)], 1));
    run.tell(tripped());
    assert_eq!(run.ended(), "refused inconclusive guardTripped");
    let mut run = ready(placed(plan(&[true, true]), &[(0, 0, 10), (0, 1, 10)], &["a", "b"]));
    run.sample(3, 0, 100);
    run.tell(tripped());
    assert_eq!(run.ended(), "refused inconclusive guardTripped");
    assert!(run.replay().agrees);
}

#[test]
fn harm_under_the_fault_that_works_is_not_hidden_by_one_that_does_not() {
    let steps = [(0, 0, 0), (0, 1, 0), (1, 0, 0)];
    let with = |bad: u64| {
        let mut run = ready(placed(plan(&[true, true, true]), &steps, &["idle", "works", "later"]));
        run.tell(Input::FaultInjected { injection: run.ids[0] });
        run.tell(Input::EffectObserved { injection: run.ids[0], effect: idle() });
        inject(&mut run, 1);
        run.sample(10, bad, 10_000);
        run
    };
    let shown = |run: &Run| run.position(|action| matches!(action, Action::Emit(Known::HarmShown { .. })));
    let mut run = (500..).step_by(10).map(with).find(|run| shown(run).is_some()).expect("harm at last");
    run.sample(20, 0, 10_000);
    assert_eq!(run.ended(), "stopped refuted harmShownAtEnd");
    assert_eq!(
        lines(&run),
        ["idle: inconclusive noEffect", "works: refuted harmShownAtEnd", "later: inconclusive notReached"]
    );
    assert!(run.replay().agrees);
}

#[test]
fn a_late_answer_after_the_verdict_began_to_form_does_not_hold_up_the_end() {
    let mut run = ready(placed(plan(&[true, true]), &[(0, 0, 0), (0, 1, 0)], &["a", "b"]));
    inject(&mut run, 0);
    run.sample(3, 90, 100);
    run.obliging = false;
    run.sample(10, 0, 100);
    assert_eq!(run.machine.phase(), Phase::Conclude);
    let late = run.ids[1];
    run.tell(Input::FaultInjected { injection: late });
    run.tell(Input::LoadsStopped);
    run.tell(Input::FaultReverted { injection: late });
    run.tell(Input::GoneObserved { injection: late, effect: absent() });
    run.tell(Input::LoadsStopped);
    assert_eq!(run.machine.phase(), Phase::Done);
}

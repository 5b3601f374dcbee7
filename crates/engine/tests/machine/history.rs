//! What earlier runs stored: how a run learns from it, and what is stored of a run for later ones.

use std::collections::BTreeMap;

use steadfast_engine::plan::Earlier;
use steadfast_model::{
    Duration, Event,
    event::{RunPlan, StoredHistory, Tolerance},
    sample::Increment,
};

use super::plans::{Run, active, plan, resolved};

/// A plan with a relative tolerance, and twenty minutes of history in which one of a hundred events fails.
fn with_history(bad: u64, total: u64) -> RunPlan {
    let mut plan = plan(&[true]);
    plan.metrics[0].tolerance = Tolerance::Relative(3.0);
    plan.metrics[0].history =
        Some(StoredHistory { runs: 20, blocks: vec![Increment { bad: 60 * bad, total: 60 * total }; 20] });
    plan
}

/// Ten seconds of baseline and ten under the fault, alike.
fn judged(plan: RunPlan, bad: u64, total: u64) -> Run {
    let mut run = Run::of(plan);
    run.tell(resolved(run.ids[0]));
    run.sample(10, bad, total);
    run.tell(steadfast_engine::machine::Input::FaultInjected { injection: run.ids[0] });
    run.see(active());
    run.sample(16, bad, total);
    run
}

fn source(run: &Run) -> serde_json::Value {
    run.conclusion().finding["metrics"][0]["dispersionSource"].clone()
}

#[test]
fn a_short_baseline_learns_dispersion_from_earlier_runs() {
    let alone = judged(RunPlan { metrics: plan(&[true]).metrics, ..with_history(1, 100) }, 1, 100);
    assert_eq!(source(&alone), serde_json::json!({ "assumed": { "historySeconds": 10.0 } }));
    let run = judged(with_history(1, 100), 1, 100);
    assert_eq!(source(&run), "estimated");
    assert_eq!(run.ended(), "completed held heldWithin");
    assert!(run.replay().agrees, "{:?}", run.replay().differences);
    // The history is part of what was recorded: without it the same samples say less.
    let mut events = run.events();
    events[0].body = serde_json::from_value({
        let mut body = serde_json::to_value(&events[0].body).unwrap();
        body["runStarted"]["plan"]["metrics"][0].as_object_mut().unwrap().remove("history");
        body
    })
    .unwrap();
    assert!(!steadfast_engine::replay::replay(&events).agrees);
}

#[test]
fn a_history_that_does_not_fit_is_not_believed() {
    for (bad, total) in [(1, 300), (1, 30), (15, 100)] {
        let run = judged(with_history(bad, total), 1, 100);
        assert!(source(&run).get("assumed").is_some(), "{bad} of {total}: {}", source(&run));
    }
}

/// A run with a baseline of so many seconds.
fn stored(seconds: u64, bad: u64, total: u64) -> Vec<Event> {
    let mut long = plan(&[true]);
    long.baseline = Duration::from_secs(seconds);
    let mut run = Run::of(long);
    run.tell(resolved(run.ids[0]));
    run.sample(seconds, bad, total);
    run.events()
}

fn parameters() -> BTreeMap<String, String> {
    std::iter::once(("region".to_owned(), "here".to_owned())).collect()
}

#[test]
fn whole_minutes_of_steady_baselines_are_kept() {
    let runs: Vec<_> = (0..16).map(|_| stored(70, 1, 100)).collect();
    let earlier = Earlier::of(&plan(&[true]), &parameters(), 0, &runs).unwrap();
    assert_eq!((earlier.runs, earlier.seconds), (16, 16.0 * 70.0));
    assert_eq!(earlier.rate(), Some(0.01));
    let kept = earlier.stored().unwrap();
    assert_eq!(kept.blocks, vec![Increment { bad: 60, total: 6_000 }; 16]);
    assert_eq!(Earlier::of(&plan(&[true]), &parameters(), 0, &runs[..14]).unwrap().stored(), None);

    let short: Vec<_> = (0..40).map(|_| stored(50, 1, 100)).collect();
    let earlier = Earlier::of(&plan(&[true]), &parameters(), 0, &short).unwrap();
    assert_eq!((earlier.stored(), earlier.traffic()), (None, 100.0), "no two runs share a block");
}

#[test]
fn only_runs_of_the_same_thing_are_asked() {
    let of = |plan: &RunPlan, parameters: &BTreeMap<String, String>, runs: &[Vec<Event>]| {
        Earlier::of(plan, parameters, 0, runs).map(|earlier| earlier.runs)
    };
    let runs = [stored(70, 1, 100)];
    assert_eq!(of(&plan(&[true]), &parameters(), &runs), Some(1));
    assert_eq!(of(&plan(&[true]), &BTreeMap::new(), &runs), None, "other parameters");
    let mut other = plan(&[true]);
    other.metrics[0].describes = "answers of /refund".to_owned();
    assert_eq!(of(&other, &parameters(), &runs), None, "it counts something else");
    let mut other = plan(&[true]);
    other.interval = Duration::from_secs(2);
    assert_eq!(of(&other, &parameters(), &runs), None, "another interval");
    assert_eq!(of(&plan(&[true]), &parameters(), &[stored(70, 60, 100)]), None, "it was not steady");
}

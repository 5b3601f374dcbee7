use serde_json::json;
use steadfast_model::{
    ProcessIdentity,
    effect::Sighting,
    process::ProcessState,
    stress::{CpuLimit, StressStatus},
};

use super::*;
use crate::world::fake::{FakeWorld, at_once};

fn fault(settings: serde_json::Value) -> CpuStress {
    serde_json::from_value(settings).unwrap()
}

#[test]
fn all_problems_are_found_at_once() {
    let problems = |settings| {
        let mut problems = Problems::new();
        fault(settings).check(&mut problems);
        problems.all().len()
    };
    assert_eq!(problems(json!({})), 0);
    assert_eq!(problems(json!({ "workers": 256, "load": "1%" })), 0);
    assert_eq!(problems(json!({ "workers": 0, "load": "0%" })), 2);
    assert_eq!(problems(json!({ "workers": 257, "load": "0.5%" })), 2);
}

/// A worker of 2 threads at full load after `millis`, with this share of all CPUs used and waited for.
fn worker(millis: u64, ran: f64, waited: f64) -> StressWorker {
    let nanos = |cpus: f64| StdDuration::from_millis(millis).mul_f64(cpus).as_nanos().try_into().unwrap();
    StressWorker {
        identity: ProcessIdentity { pid: 7, start_time: 1, boot_id: "b".to_owned() },
        stress: Stress::Cpu { workers: 2, load: Percent::ALL },
        state: ProcessState::Running,
        age_nanos: millis * 1_000_000,
        ran_nanos: nanos(ran),
        waited_nanos: nanos(waited),
        held_bytes: 0,
        swapped_bytes: 0,
        read_bytes: 0,
        written_bytes: 0,
        usable_cpus: 2,
        cpu_limit: None,
    }
}

fn seen(worker: StressWorker) -> Observation {
    let status = StressStatus { boot_id: "b".to_owned(), workers: vec![worker], volume: None };
    Observation { targets: vec![Sighting::Host(Box::new(status))] }
}

fn judge(now: StressWorker) -> Effect {
    fault(json!({})).judge(&Observation::default(), &seen(now))
}

#[test]
fn what_was_asked_for_must_have_been_computed_or_waited_for() {
    let active = |effect: &Effect| matches!(effect, Effect::Active { .. });
    assert!(active(&judge(worker(1_000, 1.7, 0.0))));
    assert!(active(&judge(worker(1_000, 0.9, 0.9))), "others have the rest");
    let little = judge(worker(1_000, 0.4, 1.6));
    assert!(matches!(&little, Effect::Idle { why } if why.ends_with("felt little of it")), "{little}");
    let idle = judge(worker(1_000, 0.9, 0.1));
    assert!(matches!(idle, Effect::Idle { .. }), "{idle}");
    assert!(matches!(judge(worker(200, 2.0, 0.0)), Effect::Idle { .. }), "too early to say");
    let stopped = StressWorker { state: ProcessState::Stopped, ..worker(1_000, 2.0, 0.0) };
    assert!(matches!(judge(stopped), Effect::Idle { .. }));
    for state in [ProcessState::Dead, ProcessState::Gone] {
        let ended = StressWorker { state, ..worker(0, 0.0, 0.0) };
        assert!(matches!(judge(ended), Effect::Absent { .. }), "{state:?}");
    }
}

#[test]
fn a_worker_that_its_cgroup_throttles_is_not_believed_however_long_it_waits() {
    let limit = CpuLimit { millis: 500, cgroup: "/shop".to_owned() };
    let throttled = StressWorker { cpu_limit: Some(limit), ..worker(1_000, 0.5, 1.5) };
    let effect = judge(throttled.clone());
    assert!(
        matches!(&effect, Effect::Idle { why } if why.contains("cgroup /shop leaves it 0.50")),
        "{effect}"
    );
    let wide = CpuLimit { millis: 4_000, cgroup: "/shop".to_owned() };
    assert!(matches!(judge(StressWorker { cpu_limit: Some(wide), ..throttled }), Effect::Active { .. }));
}

#[test]
fn what_it_did_long_ago_does_not_count_for_now() {
    let (early, late) = (worker(10_000, 2.0, 0.0), worker(11_000, 20.0 / 11.0, 0.0));
    assert!(matches!(judge(late.clone()), Effect::Active { .. }), "over its whole life");
    let since = fault(json!({})).judge(&seen(early), &seen(late));
    assert!(matches!(since, Effect::Idle { .. }), "nothing in the last second: {since}");
}

#[test]
fn a_share_of_one_worker_is_less_and_a_crowd_is_no_more_than_the_cpus() {
    assert_eq!(CpuStress::asked(1, Percent::new(30.0).unwrap(), 2), 0.3);
    assert_eq!(CpuStress::asked(9, Percent::ALL, 2), 2.0);
}

#[test]
fn a_quota_that_makes_it_impossible_is_told_before_anything_is_done() {
    let world = FakeWorld::new();
    let targets = [world.add_host("shop-1")];
    let preview = |settings| at_once(fault(settings).preflight(&world, &targets));
    assert_eq!(preview(json!({})).unwrap().actions, ["compute in 4 threads on machine shop-1"]);
    let crowd = preview(json!({ "workers": 8, "load": "50%" })).unwrap();
    assert_eq!(crowd.actions, ["compute in 8 threads for 50% of the time on machine shop-1"]);
    assert_eq!(crowd.warnings, ["8 threads share 4 CPUs of machine shop-1"]);
    world.set_room(Room {
        usable_cpus: 2,
        cpu_limit: Some(CpuLimit { millis: 1_500, cgroup: "/a".to_owned() }),
        ..world.room()
    });
    let refused = preview(json!({})).unwrap_err();
    assert_eq!(refused.to_string(), "keep 2.0 CPUs busy: cgroup /a leaves 1.5");
    assert!(refused.hint().is_some());
    let one = preview(json!({ "workers": 1 })).unwrap();
    assert!(one.warnings[0].contains("2 of the 4 CPUs"), "{one:?}");
}

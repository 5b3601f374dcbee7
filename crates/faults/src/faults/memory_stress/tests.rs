use serde_json::json;
use steadfast_model::{ProcessIdentity, effect::Sighting, process::ProcessState, stress::StressStatus};

use super::*;
use crate::world::fake::{FakeWorld, at_once};

const MIB: u64 = 1 << 20;

fn fault(settings: serde_json::Value) -> MemoryStress {
    serde_json::from_value(settings).unwrap()
}

#[test]
fn all_problems_are_found_at_once() {
    let problems = |settings| {
        let mut problems = Problems::new();
        fault(settings).check(&mut problems);
        problems.all().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(problems(json!({ "size": "16MiB" })), Vec::<String>::new());
    assert_eq!(problems(json!({ "percent": "100%", "rampUp": "1h" })), Vec::<String>::new());
    assert_eq!(problems(json!({ "size": "1MiB", "rampUp": "2h" })).len(), 2);
    assert_eq!(problems(json!({ "percent": 0 })).len(), 1);
    assert_eq!(problems(json!({})).len(), 1);
    assert_eq!(problems(json!({ "size": "1GiB", "percent": 1 })).len(), 1);
}

fn worker(seconds: u64, held_bytes: u64, swapped_bytes: u64) -> StressWorker {
    let ramp_up = Duration::from_secs(10);
    StressWorker {
        identity: ProcessIdentity { pid: 7, start_time: 1, boot_id: "b".to_owned() },
        stress: Stress::Memory { size: ByteSize::new(1_000 * MIB).unwrap(), ramp_up },
        state: ProcessState::Running,
        age_nanos: seconds * 1_000_000_000,
        ran_nanos: 1,
        waited_nanos: 0,
        held_bytes,
        swapped_bytes,
        read_bytes: 0,
        written_bytes: 0,
        usable_cpus: 2,
        cpu_limit: None,
    }
}

fn judge(worker: StressWorker) -> Effect {
    let status = StressStatus { boot_id: "b".to_owned(), workers: vec![worker], volume: None };
    let now = Observation { targets: vec![Sighting::Host(Box::new(status))] };
    fault(json!({ "size": "1GiB" })).judge(&Observation::default(), &now)
}

#[test]
fn what_was_asked_for_must_be_held_and_on_the_way_what_was_planned_until_then() {
    let active = |effect: &Effect| matches!(effect, Effect::Active { .. });
    assert!(active(&judge(worker(20, 900 * MIB, 0))));
    assert!(!active(&judge(worker(20, 899 * MIB, 0))));
    assert!(active(&judge(worker(5, 400 * MIB, 0))), "half of the ramp");
    assert!(!active(&judge(worker(5, 300 * MIB, 0))));
    assert!(!active(&judge(worker(0, 2 * MIB, 0))), "any process holds as much");
    let swapped = judge(worker(20, 300 * MIB, 700 * MIB));
    assert!(
        matches!(&swapped, Effect::Idle { why } if why.ends_with("700MiB were swapped out")),
        "{swapped}"
    );
}

#[test]
fn what_would_not_leave_the_reserve_is_refused_unless_told_to_exhaust() {
    let world = FakeWorld::new();
    let targets = [world.add_host("shop-1")];
    let preview = |settings| at_once(fault(settings).preflight(&world, &targets));
    // The fake machine has 4 GiB.
    assert!(preview(json!({ "size": "3840MiB" })).unwrap().warnings.is_empty());
    let refused = preview(json!({ "size": "3841MiB" })).unwrap_err();
    assert_eq!(refused.to_string(), "hold 3841MiB and leave 256MiB: 4096MiB are available");
    assert!(refused.hint().unwrap().contains("exhaust: true"));
    assert!(preview(json!({ "size": "3841MiB", "reserve": "255MiB" })).is_ok());
    let told = preview(json!({ "size": "5GiB", "exhaust": true })).unwrap();
    assert!(told.warnings[0].contains("the worker first"), "{told:?}");
    let half = preview(json!({ "percent": "50%", "rampUp": "3s" })).unwrap();
    assert_eq!(half.actions, ["hold 2048MiB of memory on machine shop-1, growing for 3s"]);
    assert!(preview(json!({ "percent": "0.1%" })).unwrap_err().to_string().contains("less than 16MiB"));
    let available = ByteSize::new(100 * MIB).unwrap();
    world.set_room(Room { available, memory_limited_by: Some("/shop".to_owned()), ..world.room() });
    let refused = preview(json!({ "size": "64MiB" })).unwrap_err();
    assert_eq!(refused.to_string(), "hold 64MiB and leave 256MiB: 100MiB are available by cgroup /shop");
}

#[test]
fn it_is_looked_at_again_when_it_begins() {
    let world = FakeWorld::new();
    let targets = [world.add_host("shop-1")];
    let fault = fault(json!({ "size": "3GiB" }));
    at_once(fault.preflight(&world, &targets)).unwrap();
    world.set_room(Room { available: ByteSize::new(1 << 30).unwrap(), ..world.room() });
    let mut injection = world.injection(InjectionId::new());
    assert!(matches!(at_once(fault.inject(&mut injection, &targets)), Err(FaultError::Unsupported { .. })));
    assert!(world.log().is_empty());
}

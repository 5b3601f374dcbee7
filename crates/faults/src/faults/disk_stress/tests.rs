use serde_json::json;
use steadfast_model::{ProcessIdentity, effect::Sighting, process::ProcessState, stress::StressStatus};

use super::*;
use crate::world::fake::{FakeWorld, at_once};

const MIB: u64 = 1 << 20;

fn fault(settings: serde_json::Value) -> DiskStress {
    serde_json::from_value(settings).unwrap()
}

#[test]
fn all_problems_are_found_at_once() {
    let problems = |settings| {
        let mut problems = Problems::new();
        fault(settings).check(&mut problems);
        problems.all().len()
    };
    assert_eq!(problems(json!({ "path": "/data" })), 0);
    assert_eq!(problems(json!({ "path": "/data", "read": 0, "rate": "1MiB/s", "size": "16MiB" })), 0);
    assert_eq!(problems(json!({ "path": "data", "read": 0, "write": 0, "size": "1MiB" })), 3);
    assert_eq!(problems(json!({ "path": "/data", "read": 65, "write": 65 })), 2);
}

#[test]
fn a_file_leaves_half_of_the_room_and_the_ledger_is_warned_of() {
    let world = FakeWorld::new();
    let targets = [world.add_host("shop-1")];
    let preview = |settings| at_once(fault(settings).preflight(&world, &targets));
    let told = preview(json!({ "path": "/data", "write": 2, "rate": "5MiB/s" })).unwrap();
    assert_eq!(
        told.actions,
        [
            "read in 1 thread and write in 2 threads a file of 256MiB, at 5MiB/s each way on /data (ext4) of machine shop-1"
        ]
    );
    assert!(told.warnings.is_empty());
    // 55 GiB are left for everybody.
    assert!(preview(json!({ "path": "/data", "size": "27GiB" })).is_ok());
    let refused = preview(json!({ "path": "/data", "size": "28GiB" })).unwrap_err();
    assert!(refused.to_string().contains("more than half of the 56320MiB"), "{refused}");
    world.set_volume(Volume { holds_state: true, ..world.volume() });
    assert_eq!(preview(json!({ "path": "/data" })).unwrap().warnings.len(), 1);
}

fn worker(millis: u64, read: u64, written: u64, rate: Option<&str>) -> StressWorker {
    StressWorker {
        identity: ProcessIdentity { pid: 7, start_time: 1, boot_id: "b".to_owned() },
        stress: Stress::Disk {
            path: "/data".into(),
            device: "254:1".to_owned(),
            size: size(),
            readers: 1,
            writers: 1,
            rate: rate.map(|rate| rate.parse().unwrap()),
        },
        state: ProcessState::Running,
        age_nanos: millis * 1_000_000,
        ran_nanos: 1,
        waited_nanos: 0,
        held_bytes: 0,
        swapped_bytes: 0,
        read_bytes: read * MIB,
        written_bytes: written * MIB,
        usable_cpus: 2,
        cpu_limit: None,
    }
}

fn judge(before: Option<StressWorker>, now: StressWorker) -> Effect {
    let seen = |workers| {
        let status = StressStatus { boot_id: "b".to_owned(), workers, volume: None };
        Observation { targets: vec![Sighting::Host(Box::new(status))] }
    };
    let before = seen(before.into_iter().collect());
    fault(json!({ "path": "/data" })).judge(&before, &seen(vec![now]))
}

#[test]
fn what_was_asked_for_must_be_read_and_written() {
    let active = |effect: &Effect| matches!(effect, Effect::Active { .. });
    assert!(!active(&judge(None, worker(100, 99, 99, None))), "too short a time");
    assert!(active(&judge(None, worker(1_000, 1, 300, None))));
    let laying_out = judge(None, worker(0, 0, 200, None));
    assert!(laying_out.to_string().ends_with("still writes what it will read"), "{laying_out}");
    let uncounted = judge(None, worker(1_000, 0, 0, None));
    assert!(uncounted.to_string().ends_with("perhaps the kernel does not count"), "{uncounted}");
    // The 256 MiB of the file itself do not count.
    assert!(active(&judge(None, worker(1_000, 8, 256 + 8, Some("10MiB/s")))));
    assert!(!active(&judge(None, worker(1_000, 8, 256 + 7, Some("10MiB/s")))));
    // What it did long ago does not count for now.
    let before = worker(10_000, 100, 100, Some("10MiB/s"));
    assert!(!active(&judge(Some(before.clone()), worker(11_000, 101, 101, Some("10MiB/s")))));
    let active_now = judge(Some(before), worker(11_000, 110, 109, Some("10MiB/s")));
    assert_eq!(active_now.to_string(), "in effect: worker 7 read 10MiB/s and wrote 9MiB/s");
}

use serde_json::json;

use super::*;
use crate::world::fake::{FakeWorld, at_once};

fn fault(settings: serde_json::Value) -> IoDelay {
    serde_json::from_value(settings).unwrap()
}

#[test]
fn all_problems_are_found_at_once() {
    let problems = |settings| {
        let mut problems = Problems::new();
        fault(settings).check(&mut problems);
        problems.all().len()
    };
    assert_eq!(problems(json!({ "path": "/data", "latency": "50ms" })), 0);
    assert_eq!(problems(json!({ "path": "data", "latency": "0s", "percent": "0%", "operations": [] })), 4);
    assert_eq!(problems(json!({ "path": "/", "latency": "2h", "operations": ["read", "open", "read"] })), 3);
}

#[test]
fn it_is_said_what_is_delayed_and_where() {
    let world = FakeWorld::new();
    let targets = [world.add_process("ledger")];
    let preview = |settings| at_once(fault(settings).preflight(&world, &targets)).unwrap().actions;
    assert_eq!(
        preview(json!({ "path": "/data", "latency": "50ms" })),
        [
            "delay by 50ms read, write and fsync below /data of process 4000 (ledger), and of all 1 processes in its mount namespace"
        ]
    );
    let some = preview(json!({ "path": "/data", "latency": "1s", "percent": 5, "operations": ["open"] }));
    assert!(some[0].starts_with("delay 5% by 1s of open below /data"), "{some:?}");
}

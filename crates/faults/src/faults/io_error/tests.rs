use serde_json::json;

use super::*;
use crate::world::fake::{FakeWorld, at_once};

fn fault(settings: serde_json::Value) -> IoError {
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
    assert_eq!(problems(json!({ "path": "data", "percent": "0%", "operations": [] })), 3);
    assert!(serde_json::from_value::<IoError>(json!({ "path": "/data", "errno": "EWHAT" })).is_err());
}

#[test]
fn it_is_said_what_fails_and_with_what() {
    let world = FakeWorld::new();
    let targets = [world.add_process("ledger")];
    let settings = json!({ "path": "/data", "errno": "ENOSPC", "operations": ["write"], "percent": "20%" });
    let told = at_once(fault(settings).preflight(&world, &targets)).unwrap();
    assert!(told.actions[0].starts_with("fail with ENOSPC 20% of write below /data"), "{told:?}");
}

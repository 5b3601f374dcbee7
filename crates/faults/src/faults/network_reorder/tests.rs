use serde_json::json;

use super::*;
use crate::Fault;

fn problems(settings: serde_json::Value) -> Vec<String> {
    let mut problems = Problems::new();
    serde_json::from_value::<NetworkReorder>(settings).unwrap().check(&mut problems);
    problems.all().iter().map(ToString::to_string).collect()
}

#[test]
fn what_reorders_nothing_is_a_problem() {
    for settings in [
        json!({ "percent": 0, "latency": "20ms" }),
        json!({ "percent": 25, "latency": "0s" }),
        json!({ "percent": 25, "latency": "2m" }),
        json!({ "percent": 25, "latency": "20ms", "gap": 0 }),
        json!({ "percent": 100, "latency": "20ms" }),
    ] {
        assert_eq!(problems(settings.clone()).len(), 1, "{settings}");
    }
    for settings in [
        json!({ "percent": 25, "latency": "20ms" }),
        json!({ "percent": 100, "latency": "1m", "gap": 2, "direction": "egress" }),
    ] {
        assert_eq!(problems(settings), Vec::<String>::new());
    }
}

#[test]
fn it_is_the_turn_of_every_packet_unless_said_otherwise_and_latency_must_be_given() {
    let fault: NetworkReorder = serde_json::from_value(json!({ "percent": 25, "latency": "20ms" })).unwrap();
    assert_eq!((fault.gap, fault.direction), (1, Direction::Both));
    assert!(serde_json::from_value::<NetworkReorder>(json!({ "percent": 25 })).is_err());
}

use serde_json::json;

use super::*;

fn problems(settings: serde_json::Value) -> Vec<String> {
    let mut problems = Problems::new();
    serde_json::from_value::<NetworkDelay>(settings).unwrap().check(&mut problems);
    problems.all().iter().map(ToString::to_string).collect()
}

#[test]
fn all_problems_are_found_at_once() {
    let found = problems(json!({ "latency": "2h", "jitter": "3h", "peers": ["::1"] }));
    assert_eq!(found.len(), 3, "{found:?}");
    assert_eq!(problems(json!({ "latency": "0s" })).len(), 1);
    assert_eq!(problems(json!({ "latency": "1h", "jitter": "1h" })), Vec::<String>::new());
}

#[test]
fn packets_are_held_on_their_way_in_unless_said_otherwise() {
    let fault: NetworkDelay = serde_json::from_value(json!({ "latency": "5ms" })).unwrap();
    assert_eq!(fault.traffic().direction, Direction::Ingress);
    assert!(
        serde_json::from_value::<NetworkDelay>(json!({ "latency": "5ms", "distribution": "normal" }))
            .is_err()
    );
}

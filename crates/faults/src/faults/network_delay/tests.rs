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

#[test]
fn netem_is_not_asked_for_what_it_cannot_do() {
    let asked = |more: serde_json::Value| {
        let mut settings = json!({ "latency": "5ms", "direction": "egress", "backend": "netem" });
        settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        problems(settings)
    };
    assert_eq!(asked(json!({})), Vec::<String>::new());
    assert_eq!(asked(json!({ "jitter": "5ms" })), Vec::<String>::new());
    for more in [
        json!({ "direction": "ingress" }),
        json!({ "direction": "both" }),
        json!({ "peers": ["10.0.0.0/8"] }),
        json!({ "ports": [80] }),
        json!({ "protocol": "tcp" }),
        json!({ "jitter": "1ms", "keepOrder": true }),
        json!({ "seed": 7 }),
        json!({ "latency": "3s", "jitter": "3s" }),
    ] {
        let found = asked(more.clone());
        assert!(found.len() == 1 && found[0].contains("netem cannot"), "{more}: {found:?}");
    }
    let auto = problems(json!({ "latency": "5ms", "direction": "egress", "peers": ["10.0.0.0/8"] }));
    assert_eq!(auto, Vec::<String>::new(), "another backend does it");
}

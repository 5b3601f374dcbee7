use serde_json::json;
use steadfast_model::{Effect, Observation};

use super::*;
use crate::Fault;

fn problems(settings: serde_json::Value) -> Vec<String> {
    let mut problems = Problems::new();
    serde_json::from_value::<NetworkDelay>(settings).unwrap().check(&mut problems);
    problems.all().iter().map(ToString::to_string).collect()
}

#[test]
fn all_problems_are_found_at_once() {
    let found = problems(json!({ "latency": "2h", "jitter": "3h", "peers": ["::1"] }));
    assert_eq!(found.len(), 4, "{found:?}");
    assert_eq!(problems(json!({ "latency": "0s" })).len(), 1);
    assert_eq!(problems(json!({ "latency": "30s", "jitter": "30s" })), Vec::<String>::new());
    assert!(problems(json!({ "latency": "61s" }))[0].contains("at most a minute"));
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

#[test]
fn a_delay_that_many_packets_pass_is_not_in_effect() {
    use steadfast_model::{
        effect::Sighting,
        network::{DisturbanceStatus, NamespaceIdentity, NetworkStatus},
    };
    let fault: NetworkDelay = serde_json::from_value(json!({ "latency": "5s" })).unwrap();
    assert!(fault.warnings()[0].contains("above 3277 packets a second"), "{:?}", fault.warnings());
    let seen = |counters: Option<(u64, u64)>| {
        let one = |(seen, hits)| DisturbanceStatus { table: "steadfast_x_0".to_owned(), seen, hits };
        let status = NetworkStatus {
            namespace: NamespaceIdentity { cookie: 7, boot_id: "b".to_owned() },
            disturbances: counters.map(one).into_iter().collect(),
        };
        Observation { targets: vec![Sighting::Network(Box::new(status))] }
    };
    let judge = |counters| fault.judge(&seen(None), &seen(Some(counters)));
    assert!(matches!(judge((10_000, 9_900)), Effect::Active { .. }));
    let Effect::Idle { why } = judge((64_000, 32_768)) else { panic!("half of them passed") };
    assert!(why.contains("only 32768 of 64000 packets"), "{why}");
}

use serde_json::json;
use steadfast_model::{
    Effect, Observation,
    network::{DisturbanceStatus, NamespaceIdentity, NetworkStatus},
};

use super::*;
use crate::Fault;

fn problems(settings: serde_json::Value) -> Vec<String> {
    let mut problems = Problems::new();
    serde_json::from_value::<NetworkPartition>(settings).unwrap().check(&mut problems);
    problems.all().iter().map(ToString::to_string).collect()
}

#[test]
fn all_problems_are_found_at_once() {
    let many: Vec<u16> = (1..=65).collect();
    let found = problems(json!({ "peers": ["127.0.0.1"], "ports": many, "protocol": "icmp" }));
    assert_eq!(found.len(), 3, "{found:?}");
    assert_eq!(
        problems(json!({ "peers": ["10.0.0.0/8", "::/0"], "ports": [1, "2-3"] })),
        Vec::<String>::new()
    );
}

#[test]
fn a_setting_that_does_not_exist_or_cannot_be_is_refused() {
    for settings in [json!({ "peer": [] }), json!({ "peers": ["shop"] }), json!({ "direction": "sideways" })]
    {
        assert!(serde_json::from_value::<NetworkPartition>(settings).is_err());
    }
}

/// What is seen of a namespace with these counters, or without a table.
fn seen(counters: Option<(u64, u64)>) -> Observation {
    let one = |(seen, hits)| DisturbanceStatus { table: "steadfast_x_0".to_owned(), seen, hits };
    let status = NetworkStatus {
        namespace: NamespaceIdentity { cookie: 7, boot_id: "b".to_owned() },
        disturbances: counters.map(one).into_iter().collect(),
    };
    Observation { targets: vec![steadfast_model::effect::Sighting::Network(Box::new(status))] }
}

#[test]
fn only_packets_that_were_dropped_since_show_the_effect() {
    let judge = |before, now| NetworkPartition::default().judge(&seen(before), &seen(now));
    assert!(matches!(judge(None, Some((3, 2))), Effect::Active { .. }));
    assert!(matches!(judge(Some((3, 2)), Some((3, 2))), Effect::Idle { .. }));
    assert!(matches!(judge(Some((3, 0)), Some((9, 0))), Effect::Idle { .. }));
    assert!(matches!(judge(Some((3, 2)), None), Effect::Absent { .. }));
}

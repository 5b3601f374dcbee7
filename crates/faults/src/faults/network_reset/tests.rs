use serde_json::json;

use super::*;
use crate::Fault;

fn problems(settings: serde_json::Value) -> Vec<String> {
    let mut problems = Problems::new();
    serde_json::from_value::<NetworkReset>(settings).unwrap().check(&mut problems);
    problems.all().iter().map(ToString::to_string).collect()
}

#[test]
fn all_packets_of_tcp_are_meant_unless_said_otherwise() {
    let fault: NetworkReset = serde_json::from_value(json!({})).unwrap();
    assert_eq!((fault.percent, fault.traffic().protocol), (Percent::ALL, Some(Transport::Tcp)));
    assert!(serde_json::from_value::<NetworkReset>(json!({ "protocol": "udp" })).is_err());
}

#[test]
fn a_share_that_resets_nothing_and_peers_on_this_machine_are_problems() {
    assert_eq!(problems(json!({ "percent": 0, "peers": ["127.0.0.1"] })).len(), 2);
    assert_eq!(
        problems(json!({ "percent": "5%", "peers": ["10.0.0.0/8"], "ports": [5432] })),
        Vec::<String>::new()
    );
}

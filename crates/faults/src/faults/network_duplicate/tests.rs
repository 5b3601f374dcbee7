use serde_json::json;

use super::*;
use crate::Fault;

fn problems(settings: serde_json::Value) -> Vec<String> {
    let mut problems = Problems::new();
    serde_json::from_value::<NetworkDuplicate>(settings).unwrap().check(&mut problems);
    problems.all().iter().map(ToString::to_string).collect()
}

#[test]
fn a_share_that_duplicates_nothing_and_peers_on_this_machine_are_problems() {
    assert_eq!(problems(json!({ "percent": "0.00001%", "peers": ["::1"] })).len(), 2);
    assert_eq!(problems(json!({ "percent": 5, "ports": [53], "protocol": "udp" })), Vec::<String>::new());
}

#[test]
fn what_it_cannot_do_is_not_accepted() {
    for settings in
        [json!({}), json!({ "percent": 5, "backend": "netem" }), json!({ "percent": 5, "seed": 1 })]
    {
        assert!(serde_json::from_value::<NetworkDuplicate>(settings).is_err());
    }
}

use serde_json::json;

use super::*;
use crate::Fault;

fn problems(settings: serde_json::Value) -> Vec<String> {
    let mut problems = Problems::new();
    serde_json::from_value::<NetworkCorrupt>(settings).unwrap().check(&mut problems);
    problems.all().iter().map(ToString::to_string).collect()
}

#[test]
fn a_share_that_corrupts_nothing_and_ports_of_icmp_are_problems() {
    assert_eq!(problems(json!({ "percent": 0, "ports": [1], "protocol": "icmp" })).len(), 2);
    assert_eq!(problems(json!({ "percent": "100%", "protocol": "icmp" })), Vec::<String>::new());
}

#[test]
fn what_it_cannot_do_is_not_accepted() {
    for settings in
        [json!({}), json!({ "percent": 5, "visible": true }), json!({ "percent": 5, "backend": "auto" })]
    {
        assert!(serde_json::from_value::<NetworkCorrupt>(settings).is_err());
    }
}

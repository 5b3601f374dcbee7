use super::*;
use serde_json::json;

fn timeout(settings: serde_json::Value) -> TcpTimeout {
    serde_json::from_value(settings).unwrap()
}

#[test]
fn silencing_everything_leaves_nothing_for_other_rules() {
    assert_eq!(timeout(json!({})).holds(), on_proxy::ALL_ASPECTS);
    assert_eq!(timeout(json!({ "percent": "50%" })).holds(), ["tcp-timeout"]);
}

#[test]
fn without_a_time_connections_stay_open_until_the_fault_goes() {
    assert!(timeout(json!({})).does().ends_with("close it when the fault goes"));
    assert!(timeout(json!({ "after": "3s" })).does().ends_with("close it after 3s"));
}

#[test]
fn all_problems_are_found_at_once() {
    let mut problems = Problems::new();
    ProxyRuled::check(&timeout(json!({ "after": "2h", "percent": 0 })), &mut problems);
    assert_eq!(problems.all().len(), 2, "{problems:?}");
}

use serde_json::json;

use super::*;
use crate::Fault;

fn problems(settings: serde_json::Value) -> Vec<String> {
    let mut problems = Problems::new();
    serde_json::from_value::<NetworkLoss>(settings).unwrap().check(&mut problems);
    problems.all().iter().map(ToString::to_string).collect()
}

#[test]
fn a_share_that_loses_nothing_is_a_problem() {
    for percent in [json!(0), json!("0%"), json!("0.00001%")] {
        assert_eq!(problems(json!({ "percent": percent })).len(), 1, "{percent}");
    }
    for percent in [json!("0.0001%"), json!(2.5), json!("100%")] {
        assert_eq!(problems(json!({ "percent": percent })), Vec::<String>::new());
    }
}

#[test]
fn a_share_must_be_given() {
    assert!(serde_json::from_value::<NetworkLoss>(json!({})).is_err());
    // What plain chance cannot do is not accepted.
    assert!(serde_json::from_value::<NetworkLoss>(json!({ "percent": 1, "correlation": "5%" })).is_err());
}

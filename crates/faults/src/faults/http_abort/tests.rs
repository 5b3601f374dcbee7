use super::*;
use serde_json::json;

fn abort(settings: serde_json::Value) -> HttpAbort {
    serde_json::from_value(settings).unwrap()
}

#[test]
fn aborting_everything_leaves_nothing_for_other_faults_on_requests() {
    assert_eq!(abort(json!({})).holds(), HTTP_ASPECTS);
    for some in
        [json!({ "percent": 10 }), json!({ "match": { "every": 2 } }), json!({ "match": { "path": "/a" } })]
    {
        assert_eq!(abort(some).holds(), ["http-abort"]);
    }
}

#[test]
fn whether_the_server_gets_the_request_is_said() {
    assert_eq!(abort(json!({})).does(), "close the connection instead of passing on every request");
    assert!(abort(json!({ "side": "response" })).does().ends_with("which the server gets"));
}

#[test]
fn all_problems_are_found_at_once() {
    let mut problems = Problems::new();
    ProxyRuled::check(&abort(json!({ "percent": 0, "match": { "first": 0 } })), &mut problems);
    assert_eq!(problems.all().len(), 2, "{problems:?}");
}

use super::*;
use serde_json::json;

fn problems(settings: serde_json::Value) -> Vec<String> {
    let mut problems = Problems::new();
    serde_json::from_value::<HttpDelay>(settings).unwrap().check(&mut problems);
    problems.all().iter().map(ToString::to_string).collect()
}

#[test]
fn all_problems_are_found_at_once() {
    let found = problems(json!({
        "latency": "0s", "jitter": "1ms", "percent": "0%", "match": { "method": "GET /", "path": "pay" },
    }));
    assert_eq!(found.len(), 5, "{found:?}");
}

#[test]
fn a_path_that_no_request_has_is_a_problem() {
    for path in ["", "pay", "/pay?id=1", "/pay#top", "/a b", "/\u{7}"] {
        assert_eq!(problems(json!({ "latency": "1s", "match": { "path": path } })).len(), 1, "{path:?}");
    }
    for path in ["/", "/pay/*", "*", "*/pay", "/caf%C3%A9"] {
        assert!(problems(json!({ "latency": "1s", "match": { "path": path } })).is_empty(), "{path:?}");
    }
}

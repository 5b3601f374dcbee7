use super::*;
use serde_json::json;

fn headers(settings: serde_json::Value) -> HttpHeaders {
    serde_json::from_value(settings).unwrap()
}

fn problems(settings: serde_json::Value) -> Vec<String> {
    let mut problems = Problems::new();
    ProxyRuled::check(&headers(settings), &mut problems);
    problems.all().iter().map(ToString::to_string).collect()
}

#[test]
fn headers_that_frame_a_message_are_left_alone() {
    for name in FRAMING_HEADERS {
        let name = name.to_uppercase();
        assert_eq!(problems(json!({ "side": "request", "remove": [name] })).len(), 1, "{name}");
        assert_eq!(problems(json!({ "side": "response", "set": { name: "1" } })).len(), 1);
    }
    assert_eq!(problems(json!({ "side": "request", "remove": ["Host"] })).len(), 1);
    assert!(problems(json!({ "side": "request", "set": { "Host": "other" }, "remove": ["X-A"] })).is_empty());
}

#[test]
fn names_and_values_are_such_as_headers_have_and_agree() {
    let found = problems(json!({
        "side": "response", "set": { "a b": "c\r\nd", "X-B": "1" }, "remove": ["x-b", ""], "percent": 0,
    }));
    assert_eq!(found.len(), 5, "{found:?}");
    assert_eq!(problems(json!({ "side": "response" })).len(), 1, "nothing to change");
}

#[test]
fn a_preview_tells_names_and_no_values() {
    let does =
        headers(json!({ "side": "request", "set": { "Authorization": "hush" }, "remove": ["X-A"] })).does();
    assert_eq!(does, "set Authorization and remove X-A in every request");
}

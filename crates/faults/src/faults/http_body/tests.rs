use super::*;
use serde_json::json;

fn problems(settings: serde_json::Value) -> Vec<String> {
    let mut problems = Problems::new();
    ProxyRuled::check(&serde_json::from_value::<HttpBody>(settings).unwrap(), &mut problems);
    problems.all().iter().map(ToString::to_string).collect()
}

#[test]
fn a_change_is_one_of_three_and_a_side_is_named() {
    for change in [json!({ "replace": "" }), json!({ "truncate": "0" }), json!({ "corrupt": "0.1%" })] {
        assert_eq!(problems(json!({ "change": change, "side": "request" })), Vec::<String>::new());
        assert!(serde_json::from_value::<HttpBody>(json!({ "change": change })).is_err());
    }
    for change in
        [json!({}), json!({ "replace": "a", "corrupt": 1 }), json!({ "truncate": 5 }), json!({ "eat": 1 })]
    {
        let read = serde_json::from_value::<HttpBody>(json!({ "change": change, "side": "request" }));
        assert!(read.is_err(), "{change}");
    }
}

#[test]
fn all_problems_are_found_at_once() {
    let long = "x".repeat(64 * 1024 + 1);
    let found = problems(json!({ "change": { "replace": long }, "side": "response", "percent": 0 }));
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("change.replace"), "{found:?}");
    assert_eq!(problems(json!({ "change": { "corrupt": 0 }, "side": "response" })).len(), 1);
}

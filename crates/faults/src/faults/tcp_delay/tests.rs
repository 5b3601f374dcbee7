use super::*;
use serde_json::json;

fn problems(settings: serde_json::Value) -> Vec<String> {
    let mut problems = Problems::new();
    serde_json::from_value::<TcpDelay>(settings).unwrap().check(&mut problems);
    problems.all().iter().map(ToString::to_string).collect()
}

#[test]
fn all_problems_are_found_at_once() {
    let found = problems(json!({ "latency": "2h", "jitter": "3h", "percent": 0 }));
    assert_eq!(found.len(), 3, "{found:?}");
    for (problem, at) in found.iter().zip(["latency", "jitter", "percent"]) {
        assert!(problem.starts_with(at), "{problem}");
    }
}

#[test]
fn a_latency_of_zero_is_a_problem_and_an_hour_is_not() {
    assert_eq!(problems(json!({ "latency": "0s" })).len(), 1);
    assert_eq!(problems(json!({ "latency": "1h", "jitter": "1h" })), Vec::<String>::new());
}

#[test]
fn bytes_to_the_client_are_held_unless_said_otherwise() {
    let fault: TcpDelay = serde_json::from_value(json!({ "latency": "5ms" })).unwrap();
    assert_eq!(fault.stream, Stream::Downstream);
    assert!(serde_json::from_value::<TcpDelay>(json!({ "latency": "5ms", "stream": "sideways" })).is_err());
    assert!(serde_json::from_value::<TcpDelay>(json!({ "latancy": "5ms" })).is_err());
}

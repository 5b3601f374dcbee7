use super::*;
use serde_json::json;

fn problems(settings: serde_json::Value) -> usize {
    let mut problems = Problems::new();
    ProxyRuled::check(&serde_json::from_value::<TcpSlowClose>(settings).unwrap(), &mut problems);
    problems.all().len()
}

#[test]
fn a_delay_is_above_zero_and_at_most_an_hour() {
    assert_eq!(problems(json!({ "delay": "0s", "percent": "0%" })), 2);
    assert_eq!(problems(json!({ "delay": "61m" })), 1);
    assert_eq!(problems(json!({ "delay": "1h" })), 0);
    assert!(serde_json::from_value::<TcpSlowClose>(json!({})).is_err(), "there is no default");
}

#[test]
fn who_closes_is_said() {
    let fault: TcpSlowClose = serde_json::from_value(json!({ "delay": "5s", "stream": "upstream" })).unwrap();
    assert_eq!(fault.does(), "hold the end of every connection for 5s when the client closes");
}

use super::*;
use serde_json::json;

#[test]
fn a_rate_needs_a_unit_and_is_above_zero() {
    for rate in [json!("10"), json!(10), json!("0Mbit/s"), json!("-1Mbit/s"), json!("10Mbit")] {
        assert!(serde_json::from_value::<TcpBandwidth>(json!({ "rate": rate })).is_err(), "{rate}");
    }
    let fault: TcpBandwidth = serde_json::from_value(json!({ "rate": "64KiB/s", "stream": "both" })).unwrap();
    assert_eq!(fault.does(), "let bytes both ways on every connection flow at 64KiB/s at most");
}

#[test]
fn a_share_of_nothing_is_a_problem() {
    let fault: TcpBandwidth = serde_json::from_value(json!({ "rate": "1Mbit/s", "percent": 0 })).unwrap();
    let mut problems = Problems::new();
    ProxyRuled::check(&fault, &mut problems);
    assert_eq!(problems.all().len(), 1, "{problems:?}");
}

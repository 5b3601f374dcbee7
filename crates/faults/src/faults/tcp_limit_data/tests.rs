use super::*;
use serde_json::json;

#[test]
fn a_limit_is_above_zero_and_has_a_unit() {
    let mut problems = Problems::new();
    let none: TcpLimitData = serde_json::from_value(json!({ "limit": "0", "percent": 0 })).unwrap();
    ProxyRuled::check(&none, &mut problems);
    assert_eq!(problems.all().len(), 2, "{problems:?}");
    assert!(serde_json::from_value::<TcpLimitData>(json!({ "limit": 10 })).is_err());
    let fault: TcpLimitData = serde_json::from_value(json!({ "limit": "1KiB" })).unwrap();
    assert_eq!(fault.does(), "close every connection after 1KiB of bytes to the client");
}

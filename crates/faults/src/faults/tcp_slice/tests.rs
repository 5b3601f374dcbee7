use super::*;
use serde_json::json;

use crate::{
    Fault, FaultError,
    world::fake::{FakeWorld, at_once},
};

fn slice(settings: serde_json::Value) -> TcpSlice {
    serde_json::from_value(settings).unwrap()
}

#[test]
fn all_problems_are_found_at_once() {
    let mut problems = Problems::new();
    let bad = json!({ "size": "65KiB", "variation": "65KiB", "pause": "2h", "percent": 0 });
    ProxyRuled::check(&slice(bad), &mut problems);
    assert_eq!(problems.all().len(), 4, "{problems:?}");
    let mut problems = Problems::new();
    ProxyRuled::check(&slice(json!({ "size": "0" })), &mut problems);
    ProxyRuled::check(&slice(json!({ "size": "2B", "variation": "1B" })), &mut problems);
    assert_eq!(problems.all().len(), 1, "{problems:?}");
}

#[test]
fn pieces_of_requests_need_a_proxy_that_does_not_read_them() {
    let world = FakeWorld::new();
    let (http, tcp) = (world.add_proxy("a", Protocol::Http), world.add_proxy("b", Protocol::Tcp));
    let preflight = |fault: &TcpSlice, target| at_once(fault.preflight(&world, &[target]));
    let both = slice(json!({ "size": "10B", "stream": "both" }));
    let refused = preflight(&both, http.clone()).unwrap_err();
    assert!(matches!(&refused, FaultError::Unsupported { .. }), "{refused}");
    assert!(refused.hint().is_some_and(|hint| hint.contains("downstream")));
    assert!(preflight(&both, tcp).is_ok());
    assert!(preflight(&slice(json!({ "size": "10B" })), http).is_ok());
}

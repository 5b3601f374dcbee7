use super::*;

fn fault(json: serde_json::Value) -> GrpcStatus {
    serde_json::from_value(json).unwrap()
}

#[track_caller]
fn problems(json: serde_json::Value, expected: usize) {
    let mut problems = Problems::new();
    ProxyRuled::check(&fault(json), &mut problems);
    assert_eq!(problems.all().len(), expected, "{:?}", problems.all());
}

#[test]
fn names_messages_and_counts_are_checked() {
    problems(serde_json::json!({ "code": 14 }), 0);
    problems(
        serde_json::json!({
            "code": "UNAVAILABLE", "message": "é".repeat(512), "match": { "service": "shop.v1.*", "method": "Get_*", "first": 3, "every": 3 },
        }),
        0,
    );
    problems(serde_json::json!({ "code": 14, "message": "x".repeat(1025) }), 1);
    problems(serde_json::json!({ "code": 14, "match": { "service": "a/b", "method": "" } }), 2);
    problems(serde_json::json!({ "code": 14, "match": { "first": 0, "every": 0 } }), 2);
}

#[test]
fn a_status_that_is_none_is_told_with_those_there_are() {
    let settings = serde_json::json!({ "code": "UNAVAILABEL" });
    let error = serde_json::from_value::<GrpcStatus>(settings).unwrap_err().to_string();
    assert!(error.contains("UNAVAILABEL") && error.contains("DATA_LOSS"), "{error}");
}

#[test]
fn a_call_is_a_request_for_service_and_method() {
    let path = |matching: serde_json::Value| {
        let ProxyFault::GrpcStatus { matching, .. } =
            fault(serde_json::json!({ "code": 14, "match": matching })).rule().fault
        else {
            panic!("another fault")
        };
        matching.path.unwrap()
    };
    assert_eq!(path(serde_json::json!({})), "/*/*");
    assert_eq!(path(serde_json::json!({ "service": "a.B" })), "/a.B/*");
    assert_eq!(path(serde_json::json!({ "service": "a.B", "method": "C*" })), "/a.B/C*");
}

#[test]
fn what_it_does_is_said_in_words() {
    let told = fault(serde_json::json!({
        "code": 14, "percent": "20%", "match": { "method": "Charge", "first": 9, "every": 3 },
    }));
    assert_eq!(told.does(), "answer 20% of gRPC calls to */Charge (the first 9, one in 3) with UNAVAILABLE");
    assert_eq!(
        fault(serde_json::json!({ "code": 8 })).does(),
        "answer every gRPC call with RESOURCE_EXHAUSTED"
    );
}

#[test]
fn answering_every_call_leaves_none_for_other_faults_on_requests() {
    assert_eq!(fault(serde_json::json!({ "code": 14 })).holds(), HTTP_ASPECTS);
    let some = serde_json::json!({ "code": 14, "match": { "service": "a.B" } });
    assert_eq!(fault(some).holds(), ["grpc-status"]);
}

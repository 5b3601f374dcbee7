use steadfast_model::{
    InjectionId, Percent,
    proxy::{HttpMatch, RuleId, Side},
};

use super::{http::LARGEST_BODY, *};

const NOW: BootTime = BootTime(1_000_000_000_000);

fn rule(fault: ProxyFault) -> ProxyRule {
    let soon = NOW.after(StdDuration::from_secs(10));
    let id = RuleId { injection: InjectionId::new(), number: 0 };
    ProxyRule { id, fault, percent: Percent::ALL, seed: 1, deadline: soon, lease: soon }
}

fn delay(latency: &str, jitter: &str) -> ProxyFault {
    let (latency, jitter) = (latency.parse().unwrap(), jitter.parse().unwrap());
    ProxyFault::TcpDelay { latency, jitter, stream: Stream::Both }
}

fn status(status: u16, body: &str) -> ProxyFault {
    ProxyFault::HttpStatus { status, body: body.to_owned(), matching: HttpMatch::default() }
}

fn matching(method: Option<&str>, path: Option<&str>) -> ProxyFault {
    let matching = HttpMatch {
        method: method.map(str::to_owned),
        path: path.map(str::to_owned),
        ..HttpMatch::default()
    };
    ProxyFault::HttpDelay {
        latency: Duration::from_millis(1),
        jitter: Duration::ZERO,
        side: Side::Request,
        matching,
    }
}

#[track_caller]
fn check(fault: ProxyFault, expected: &[&str]) {
    let problems = check_rule(&rule(fault), Protocol::Http, NOW);
    assert_eq!(problems.len(), expected.len(), "{problems:?}");
    for (problem, part) in problems.iter().zip(expected) {
        assert!(problem.contains(part), "{problem}");
    }
}

#[test]
fn sensible_rules_have_no_problems() {
    check(delay("300ms", "20ms"), &[]);
    check(ProxyFault::TcpDown {}, &[]);
    check(ProxyFault::TcpReset { after: Duration::ZERO }, &[]);
    check(status(503, "no"), &[]);
    check(status(204, ""), &[]);
    check(matching(Some("post"), Some("/pay/*")), &[]);
}

#[test]
fn every_problem_is_told_not_just_the_first() {
    check(delay("2h", "3h"), &["longer than 1h", "larger than"]);
    check(delay("0", "0"), &["delays nothing"]);
    check(status(101, &"x".repeat(LARGEST_BODY + 1)), &["200 to 599", "at most 65536"]);
    check(status(204, "x"), &["has no body"]);
    check(matching(Some("PO ST"), Some("pay")), &["not a method", "start with"]);
    check(matching(Some(""), Some("/pay?x=1")), &["not a method", "query"]);
    check(ProxyFault::TcpReset { after: Duration::from_secs(4000) }, &["longer than 1h"]);
}

fn read(fault: serde_json::Value) -> ProxyFault {
    serde_json::from_value(fault).unwrap()
}

#[test]
fn pieces_limits_and_closes_have_their_bounds() {
    let slice = |size: &str, variation: &str, stream: &str| {
        let told =
            serde_json::json!({ "size": size, "variation": variation, "pause": "2h", "stream": stream });
        read(serde_json::json!({ "tcpSlice": told }))
    };
    check(slice("0", "0", "downstream"), &["longer than 1h", "between 1B and 64KiB"]);
    check(slice("5B", "5B", "both"), &["longer than 1h", "less than", "stream: downstream"]);
    check(
        read(serde_json::json!({ "tcpLimitData": { "limit": "0", "stream": "both" } })),
        &["no connection"],
    );
    check(
        read(serde_json::json!({ "tcpSlowClose": { "delay": "0", "stream": "both" } })),
        &["holds nothing"],
    );
    check(
        read(serde_json::json!({ "tcpTimeout": { "after": "2h", "stream": "both" } })),
        &["longer than 1h"],
    );
}

#[test]
fn headers_that_frame_a_message_and_values_no_header_has_are_refused() {
    let headers = |set: serde_json::Value, remove: &[&str]| {
        let told = serde_json::json!({ "set": set, "remove": remove, "side": "request", "matching": {} });
        read(serde_json::json!({ "httpHeaders": told }))
    };
    check(headers(serde_json::json!({}), &[]), &["neither"]);
    check(headers(serde_json::json!({ "Content-Length": "1" }), &["TE", "Host"]), &["ends", "ends", "Host"]);
    check(headers(serde_json::json!({ "a b": "c\nd" }), &[]), &["no name", "no header has the value"]);
    check(headers(serde_json::json!({ "X-A": "1" }), &["X-B"]), &[]);
}

#[test]
fn counts_of_nothing_are_refused() {
    let told = serde_json::json!({ "side": "request", "matching": { "first": 0, "every": 0, "headers": { "": "" } } });
    check(read(serde_json::json!({ "httpAbort": told })), &["no name", "`first: 0`", "`every: 0`"]);
}

#[test]
fn http_faults_need_a_proxy_that_understands_http() {
    let problems = check_rule(&rule(status(503, "")), Protocol::Tcp, NOW);
    assert!(problems.len() == 1 && problems[0].contains("`http*` fault needs protocol http"), "{problems:?}");
    assert!(check_rule(&rule(delay("1ms", "0")), Protocol::Tcp, NOW).is_empty());
}

#[test]
fn a_rule_whose_time_is_over_or_too_far_away_is_refused() {
    let mut late = rule(ProxyFault::TcpDown {});
    (late.deadline, late.lease) = (NOW, NOW);
    assert_eq!(check_rule(&late, Protocol::Tcp, NOW).len(), 2);
    late.deadline = NOW.after(LONGEST_RULE + StdDuration::from_secs(1));
    late.lease = late.deadline;
    assert_eq!(check_rule(&late, Protocol::Tcp, NOW), ["its deadline is more than 7 days away"]);
}

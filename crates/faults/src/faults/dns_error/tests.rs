use serde_json::json;
use steadfast_model::{
    Effect, Observation,
    effect::Sighting,
    network::{DisturbanceStatus, NamespaceIdentity, NetworkStatus},
};

use super::*;
use crate::Fault;

fn fault() -> DnsError {
    serde_json::from_value(json!({ "names": ["*.shop"], "answer": "servfail" })).unwrap()
}

#[test]
fn a_process_stands_for_its_whole_namespace() {
    assert!(fault().is_for_whole_namespace(), "policies look at all that is touched");
}

#[test]
fn names_and_the_answer_must_be_given() {
    for settings in [
        json!({ "names": ["a"] }),
        json!({ "answer": "nxdomain" }),
        json!({ "names": ["a"], "answer": "notimp" }),
        json!({ "names": "a", "answer": "nxdomain" }),
    ] {
        assert!(serde_json::from_value::<DnsError>(settings.clone()).is_err(), "{settings}");
    }
    let mut problems = Problems::new();
    DnsError { names: vec![], ..fault() }.check(&mut problems);
    assert_eq!(problems.all().len(), 1);
}

/// What is seen of a namespace with these counters, or without a table.
fn seen(counters: Option<(u64, u64)>) -> Observation {
    let one = |(seen, hits)| DisturbanceStatus { table: "steadfast_x_0".to_owned(), seen, hits };
    let status = NetworkStatus {
        namespace: NamespaceIdentity { cookie: 7, boot_id: "b".to_owned() },
        disturbances: counters.map(one).into_iter().collect(),
    };
    Observation { targets: vec![Sighting::Network(Box::new(status))] }
}

#[test]
fn the_effect_is_told_in_questions_and_only_those_met_show_it() {
    let judge = |now| fault().judge(&seen(None), &seen(now)).to_string();
    assert_eq!(
        judge(Some((5, 2))),
        "in effect: network namespace 7: 2 of 5 questions to DNS servers answered with an error"
    );
    assert_eq!(
        judge(Some((5, 0))),
        "in place, nothing seen: none of the 5 questions to DNS servers of network namespace 7 was answered with an error"
    );
    assert_eq!(
        judge(Some((0, 0))),
        "in place, nothing seen: no question to a DNS server was asked in network namespace 7"
    );
    assert!(matches!(fault().judge(&seen(Some((5, 2))), &seen(None)), Effect::Absent { .. }));
}

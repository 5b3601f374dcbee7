//! What rules do to requests: hold them, answer them.

use std::{future::poll_fn, sync::Arc, task::Poll, time::Duration};

use hyper::{Request, StatusCode, body::Incoming};
use steadfast_model::proxy::ProxyFault;

use super::{
    answer::{Answer, answer},
    lane::Lane,
};
use crate::{
    rule::Rule,
    timer::{self, later},
};

/// Holds the request for as long as the rules of now say, rules that come meanwhile apart. Rules that go meanwhile
/// let go at once.
pub(super) async fn hold(lane: &Lane, request: &Request<Incoming>, number: u64) {
    let Some(rules) = lane.rules() else { return };
    let connection = lane.connection.number;
    let mut holding: Vec<Arc<Rule>> = Vec::new();
    for rule in rules.iter().filter(|rule| matches!(rule.told.fault, ProxyFault::HttpDelay { .. })) {
        if picks(rule, lane, request, number) {
            holding.push(Arc::clone(rule));
        }
    }
    if holding.is_empty() {
        return;
    }
    let arrived = timer::now();
    let mut alarm = lane.connection.alarm();
    poll_fn(|cx| {
        // The whole connection is polled when rules change.
        let rules = lane.rules();
        let stays =
            |serial| rules.as_ref().is_some_and(|rules| rules.iter().any(|rule| rule.serial == serial));
        holding.retain(|rule| stays(rule.serial));
        if holding.is_empty() {
            return Poll::Ready(());
        }
        let held: Duration = holding.iter().map(|rule| rule.delay(connection, number)).sum();
        alarm.poll_at(cx, later(arrived, held))
    })
    .await;
}

/// The answer of the first rule that answers this request in the server's place.
pub(super) fn replace(lane: &Lane, request: &Request<Incoming>, number: u64) -> Option<Answer> {
    for rule in lane.rules()?.iter() {
        if let ProxyFault::HttpStatus { status, body, .. } = &rule.told.fault
            && picks(rule, lane, request, number)
        {
            let status =
                StatusCode::from_u16(*status).expect("rules are checked to have a status of 200 to 599");
            return Some(answer(status, body.clone()));
        }
    }
    None
}

/// Whether the rule is about this request and chance wants it. Counts both.
fn picks(rule: &Rule, lane: &Lane, request: &Request<Incoming>, number: u64) -> bool {
    if !rule.matches(request.method().as_str(), request.uri().path()) {
        return false;
    }
    rule.saw();
    let chosen = rule.chooses(lane.connection.number, number);
    if chosen {
        rule.hit();
    }
    chosen
}

//! What rules do to requests and their answers: hold them, end them, answer them, change them.

use std::{future::poll_fn, sync::Arc, task::Poll, time::Duration};

use hyper::{
    HeaderMap, Request, StatusCode,
    body::{Body, Incoming},
    header::{HeaderName, HeaderValue},
};
use steadfast_model::proxy::{ProxyFault, Side};

use super::{
    answer::{Answer, answer},
    body,
    current::Current,
    grpc,
    payload::Payload,
};
use crate::{
    matching::Head,
    rule::Rule,
    timer::{self, later},
};

/// The rules that picked a request when its head came. They disturb it as long as they are in place; rules that come
/// later leave it alone.
pub(super) struct Picked {
    rules: Vec<Arc<Rule>>,
    /// The request's number on its connection.
    number: u64,
}

impl Picked {
    /// Lets every rule look at a request, and count it.
    pub(super) fn pick(current: &Current, request: &Request<Incoming>, number: u64) -> Self {
        let Some(rules) = current.rules() else { return Self { rules: Vec::new(), number } };
        let head = Head {
            version: request.version(),
            method: request.method().as_str(),
            path: request.uri().path(),
            headers: request.headers(),
        };
        let connection = current.connection.number;
        let rules =
            rules.iter().filter(|rule| rule.picks(&head, connection, number)).map(Arc::clone).collect();
        Self { rules, number }
    }

    /// The usual case, kept cheap.
    pub(super) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Those that are still in place.
    fn standing(&self, current: &Current) -> impl Iterator<Item = &Arc<Rule>> {
        let now = current.rules();
        self.rules.iter().filter(move |rule| {
            now.as_ref().is_some_and(|now| now.iter().any(|other| other.serial == rule.serial))
        })
    }

    /// Holds the request or its answer for as long as its rules say. Rules that go meanwhile let go at once.
    pub(super) async fn hold(&self, current: &Current, side: Side) {
        let delays = |rule: &&Arc<Rule>| matches!(&rule.told.fault, ProxyFault::HttpDelay { side: of, .. } if *of == side);
        let holding = self.standing(current).filter(delays).inspect(|rule| rule.hit()).count();
        if holding == 0 {
            return;
        }
        let arrived = timer::now();
        let mut alarm = current.connection.alarm();
        poll_fn(|cx| {
            // Every request of the connection is polled when rules change.
            let mut held = Duration::ZERO;
            for rule in self.standing(current).filter(delays) {
                held += rule.delay(current.connection.number, self.number);
            }
            if held.is_zero() { Poll::Ready(()) } else { alarm.poll_at(cx, later(arrived, held)) }
        })
        .await;
    }

    /// Whether the connection is to be closed instead of going on.
    pub(super) fn aborts(&self, current: &Current, side: Side) -> bool {
        let abort = self
            .standing(current)
            .find(|rule| matches!(&rule.told.fault, ProxyFault::HttpAbort { side: of, .. } if *of == side));
        abort.inspect(|rule| rule.hit()).is_some()
    }

    /// The answer of the first rule that answers in the server's place.
    pub(super) fn answer(&self, current: &Current) -> Option<Answer> {
        self.standing(current).find_map(|rule| {
            let answer = match &rule.told.fault {
                ProxyFault::HttpStatus { status, body, .. } => {
                    let status = StatusCode::from_u16(*status)
                        .expect("rules are checked to have a status of 200 to 599");
                    answer(status, body.clone())
                }
                ProxyFault::GrpcStatus { code, message, .. } => grpc::failed(*code, message),
                _ => return None,
            };
            rule.hit();
            Some(answer)
        })
    }

    /// Changes headers.
    pub(super) fn change_headers(&self, current: &Current, side: Side, headers: &mut HeaderMap) {
        for rule in self.standing(current) {
            let ProxyFault::HttpHeaders { set, remove, side: of, .. } = &rule.told.fault else { continue };
            if *of != side {
                continue;
            }
            let mut changed = false;
            for name in remove {
                changed |= headers.remove(name.as_str()).is_some();
            }
            for (name, value) in set {
                let name = HeaderName::from_bytes(name.as_bytes());
                // Rules are checked to have names and values that headers can have.
                if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
                    headers.insert(name, value);
                    changed = true;
                }
            }
            if changed {
                rule.hit();
            }
        }
    }

    /// Changes a body, by the first rule that does, and the headers that tell its length.
    pub(super) fn change_body(
        &self,
        current: &Current,
        side: Side,
        headers: &mut HeaderMap,
        body: Incoming,
    ) -> Payload {
        let change = self.standing(current).find_map(|rule| match &rule.told.fault {
            ProxyFault::HttpBody { change, side: of, .. } if *of == side => Some((rule, change)),
            _ => None,
        });
        match change {
            // A request without a body stays without one: servers differ in what they make of a body of `GET`.
            Some((rule, change)) if side == Side::Response || !body.is_end_stream() => {
                body::change(change, rule, (current.connection.number, self.number), headers, body)
            }
            _ => Payload::Carried(body),
        }
    }
}

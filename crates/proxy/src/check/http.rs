//! What a rule about requests must be like.

use hyper::header::{HeaderName, HeaderValue};
use steadfast_model::proxy::{BodyChange, FRAMING_HEADERS, HttpMatch, Protocol, ProxyFault, Side};

/// The largest body a rule may bring along, in bytes.
pub(super) const LARGEST_BODY: usize = 64 * 1024;
/// The longest path pattern or header value, in bytes.
const LONGEST_PATTERN: usize = 1024;
/// The longest message of a gRPC status, in bytes: escaped it may have three times as many.
const LONGEST_MESSAGE: usize = 1024;
/// The most headers a rule may name in one place.
const MOST_HEADERS: usize = 32;

/// Which requests a rule is about.
pub(super) fn check_matching(matching: &HttpMatch, protocol: Protocol, problems: &mut Vec<String>) {
    if protocol != Protocol::Http {
        problems.push(
            "this proxy carries tcp and cannot see requests: an `http*` fault needs protocol http".to_owned(),
        );
    }
    if let Some(method) = &matching.method
        && (method.len() > 32
            || !hyper::Method::from_bytes(method.as_bytes()).is_ok_and(|m| !m.as_str().is_empty()))
    {
        problems.push(format!("`method: {}` is not a method", method.escape_debug()));
    }
    if let Some(path) = &matching.path {
        if path.len() > LONGEST_PATTERN {
            problems.push(format!("the path pattern has {} bytes, at most {LONGEST_PATTERN}", path.len()));
        } else if !path.starts_with(['/', '*']) {
            problems.push(format!("`path: {}` matches nothing: start with `/` or `*`", path.escape_debug()));
        } else if path.contains('?') {
            problems.push(format!("`path: {}` matches nothing: leave out the query", path.escape_debug()));
        }
    }
    check_count(matching.headers.len(), problems);
    for (name, value) in &matching.headers {
        check_header(name, value, problems);
    }
    for (field, count) in [("first", matching.first), ("every", matching.every)] {
        if count == Some(0) {
            problems.push(format!("`{field}: 0` leaves no request"));
        }
    }
}

/// What a rule does to them.
pub(super) fn check_change(fault: &ProxyFault, problems: &mut Vec<String>) {
    match fault {
        ProxyFault::HttpStatus { status, body, .. } => check_answer(*status, body, problems),
        ProxyFault::GrpcStatus { message, .. } if message.len() > LONGEST_MESSAGE => {
            problems.push(format!("the message has {} bytes, at most {LONGEST_MESSAGE}", message.len()));
        }
        ProxyFault::HttpBody { change: BodyChange::Replace(body), .. } => check_body(body, problems),
        ProxyFault::HttpHeaders { set, remove, side, .. } => {
            if set.is_empty() && remove.is_empty() {
                problems.push("neither `set` nor `remove` names a header".to_owned());
            }
            check_count(set.len() + remove.len(), problems);
            set.iter().for_each(|(name, value)| check_header(name, value, problems));
            remove.iter().for_each(|name| check_header(name, "", problems));
            for name in set.keys().chain(remove) {
                if FRAMING_HEADERS.iter().any(|framing| framing.eq_ignore_ascii_case(name)) {
                    problems.push(format!("`{name}` says where a message ends or belongs to one connection"));
                }
            }
            let hostless = remove.iter().any(|name| name.eq_ignore_ascii_case("host"));
            if hostless && *side == Side::Request {
                problems.push("a request needs its `Host`: set it to something else instead".to_owned());
            }
        }
        _ => {}
    }
}

fn check_answer(status: u16, body: &str, problems: &mut Vec<String>) {
    if !(200..=599).contains(&status) {
        problems.push(format!("`status: {status}` cannot end a request: 200 to 599"));
    }
    check_body(body, problems);
    if matches!(status, 204 | 205 | 304) && !body.is_empty() {
        problems.push(format!("an answer with `status: {status}` has no body"));
    }
}

fn check_body(body: &str, problems: &mut Vec<String>) {
    if body.len() > LARGEST_BODY {
        problems.push(format!("the body has {} bytes, at most {LARGEST_BODY}", body.len()));
    }
}

fn check_count(count: usize, problems: &mut Vec<String>) {
    if count > MOST_HEADERS {
        problems.push(format!("{count} headers are more than {MOST_HEADERS}"));
    }
}

/// Never shows the value, which may be secret.
fn check_header(name: &str, value: &str, problems: &mut Vec<String>) {
    if HeaderName::from_bytes(name.as_bytes()).is_err() {
        problems.push(format!("`{}` is no name of a header", name.escape_debug()));
    }
    if HeaderValue::from_str(value).is_err() || value.len() > LONGEST_PATTERN {
        problems.push(format!("no header has the value given for `{}`", name.escape_debug()));
    }
}

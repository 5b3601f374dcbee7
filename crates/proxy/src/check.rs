//! What a rule must be like to be put in place.

use std::time::Duration as StdDuration;

use steadfast_model::{
    BootTime, Duration,
    proxy::{HttpMatch, Protocol, ProxyFault, ProxyRule},
};

/// The longest delay a rule may ask for.
const LONGEST_DELAY: StdDuration = StdDuration::from_secs(60 * 60);
/// The longest a rule may live.
const LONGEST_RULE: StdDuration = StdDuration::from_secs(7 * 24 * 60 * 60);
/// The largest body a rule may answer with, in bytes.
const LARGEST_BODY: usize = 64 * 1024;
/// The longest path pattern, in bytes.
const LONGEST_PATTERN: usize = 1024;

/// Everything wrong with a rule for a proxy of this protocol at this time; empty when it may be put in place.
#[must_use]
pub fn check_rule(rule: &ProxyRule, protocol: Protocol, now: BootTime) -> Vec<String> {
    let mut problems = Vec::new();
    match &rule.fault {
        ProxyFault::TcpDelay { latency, jitter, .. } => check_delay(*latency, *jitter, &mut problems),
        ProxyFault::TcpReset { after } => {
            if after.std() > LONGEST_DELAY {
                problems.push(format!("`after: {after}` is longer than 1h"));
            }
        }
        ProxyFault::TcpDown {} => {}
        ProxyFault::HttpDelay { latency, jitter, matching } => {
            check_http("httpDelay", protocol, matching, &mut problems);
            check_delay(*latency, *jitter, &mut problems);
        }
        ProxyFault::HttpStatus { status, body, matching } => {
            check_http("httpStatus", protocol, matching, &mut problems);
            check_answer(*status, body, &mut problems);
        }
    }
    check_times(rule, now, &mut problems);
    problems
}

fn check_delay(latency: Duration, jitter: Duration, problems: &mut Vec<String>) {
    if latency.std() + jitter.std() > LONGEST_DELAY {
        problems.push(format!("`latency: {latency}` with `jitter: {jitter}` can be longer than 1h"));
    }
    if jitter > latency {
        problems.push(format!(
            "`jitter: {jitter}` is larger than `latency: {latency}`: a delay cannot be negative"
        ));
    }
    if latency == Duration::ZERO {
        problems.push("`latency: 0s` delays nothing".to_owned());
    }
}

fn check_http(kind: &str, protocol: Protocol, matching: &HttpMatch, problems: &mut Vec<String>) {
    if protocol != Protocol::Http {
        problems
            .push(format!("this proxy carries tcp and cannot see requests: `{kind}` needs protocol http"));
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
}

fn check_answer(status: u16, body: &str, problems: &mut Vec<String>) {
    if !(200..=599).contains(&status) {
        problems.push(format!("`status: {status}` cannot end a request: 200 to 599"));
    }
    if body.len() > LARGEST_BODY {
        problems.push(format!("the body has {} bytes, at most {LARGEST_BODY}", body.len()));
    }
    if matches!(status, 204 | 205 | 304) && !body.is_empty() {
        problems.push(format!("an answer with `status: {status}` has no body"));
    }
}

fn check_times(rule: &ProxyRule, now: BootTime, problems: &mut Vec<String>) {
    if rule.deadline <= now {
        problems.push(format!("its deadline passed {} ago", ago(now, rule.deadline)));
    } else if rule.deadline.since(now) > LONGEST_RULE {
        problems.push("its deadline is more than 7 days away".to_owned());
    }
    if rule.lease <= now {
        problems.push(format!("its lease passed {} ago", ago(now, rule.lease)));
    }
}

fn ago(now: BootTime, then: BootTime) -> Duration {
    Duration::from_millis(u64::try_from(now.since(then).as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;

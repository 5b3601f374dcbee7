//! What a rule must be like to be put in place.

use std::time::Duration as StdDuration;

use steadfast_model::{
    BootTime, ByteSize, Duration,
    proxy::{Protocol, ProxyFault, ProxyRule, Stream},
};

mod http;

/// The longest delay a rule may ask for.
const LONGEST_DELAY: StdDuration = StdDuration::from_secs(60 * 60);
/// The longest a rule may live.
const LONGEST_RULE: StdDuration = StdDuration::from_secs(7 * 24 * 60 * 60);
/// The largest piece a rule may cut, in bytes: what is read at once.
const LARGEST_PIECE: u64 = crate::scratch::SIZE as u64;

/// Everything wrong with a rule for a proxy of this protocol at this time; empty when it may be put in place.
#[must_use]
pub fn check_rule(rule: &ProxyRule, protocol: Protocol, now: BootTime) -> Vec<String> {
    let mut problems = Vec::new();
    match &rule.fault {
        ProxyFault::TcpDelay { latency, jitter, .. } => check_delay(*latency, *jitter, &mut problems),
        ProxyFault::TcpReset { after }
        | ProxyFault::TcpTimeout { after, .. }
        | ProxyFault::TcpCut { after, .. } => check_hold("after", *after, &mut problems),
        ProxyFault::TcpSlowClose { delay, .. } => {
            check_hold("delay", *delay, &mut problems);
            if *delay == Duration::ZERO {
                problems.push("`delay: 0s` holds nothing".to_owned());
            }
        }
        ProxyFault::TcpSlice { size, variation, pause, stream } => {
            check_hold("pause", *pause, &mut problems);
            check_pieces(*size, *variation, &mut problems);
            if protocol == Protocol::Http && *stream != Stream::Downstream {
                problems.push(
                    "this proxy reads requests and would put their pieces together: only `stream: downstream`"
                        .to_owned(),
                );
            }
        }
        ProxyFault::TcpLimitData { limit, .. } => {
            if *limit == ByteSize::ZERO {
                problems.push("`limit: 0B` lets no connection begin".to_owned());
            }
        }
        // A rate is above zero by its type.
        ProxyFault::TcpBandwidth { .. } | ProxyFault::TcpHold { .. } | ProxyFault::TcpDown {} => {}
        ProxyFault::HttpDelay { latency, jitter, .. } => check_delay(*latency, *jitter, &mut problems),
        fault => http::check_change(fault, &mut problems),
    }
    if let Some(matching) = rule.fault.matching() {
        http::check_matching(matching, protocol, &mut problems);
    }
    check_times(rule, now, &mut problems);
    problems
}

/// Everything wrong with what a rule of the proxy's own process does. That it does nothing is not.
pub(crate) fn check_kept(fault: &ProxyFault) -> Vec<String> {
    let mut problems = Vec::new();
    match fault {
        ProxyFault::TcpDelay { latency, jitter, .. } => check_longest(*latency, *jitter, &mut problems),
        ProxyFault::TcpReset { after }
        | ProxyFault::TcpTimeout { after, .. }
        | ProxyFault::TcpCut { after, .. } => check_hold("after", *after, &mut problems),
        ProxyFault::TcpSlowClose { delay, .. } => check_hold("delay", *delay, &mut problems),
        ProxyFault::TcpSlice { pause, .. } => check_hold("pause", *pause, &mut problems),
        ProxyFault::TcpLimitData { .. }
        | ProxyFault::TcpBandwidth { .. }
        | ProxyFault::TcpHold { .. }
        | ProxyFault::TcpDown {} => {}
        _ => problems.push("only a `tcp*` fault can be kept".to_owned()),
    }
    problems
}

fn check_longest(latency: Duration, jitter: Duration, problems: &mut Vec<String>) {
    if latency.std().saturating_add(jitter.std()) > LONGEST_DELAY {
        problems.push(format!("`latency: {latency}` with `jitter: {jitter}` can be longer than 1h"));
    }
}

fn check_delay(latency: Duration, jitter: Duration, problems: &mut Vec<String>) {
    check_longest(latency, jitter, problems);
    if jitter > latency {
        problems.push(format!(
            "`jitter: {jitter}` is larger than `latency: {latency}`: a delay cannot be negative"
        ));
    }
    if latency == Duration::ZERO {
        problems.push("`latency: 0s` delays nothing".to_owned());
    }
}

fn check_hold(field: &str, length: Duration, problems: &mut Vec<String>) {
    if length.std() > LONGEST_DELAY {
        problems.push(format!("`{field}: {length}` is longer than 1h"));
    }
}

fn check_pieces(size: ByteSize, variation: ByteSize, problems: &mut Vec<String>) {
    if !(1..=LARGEST_PIECE).contains(&size.bytes()) {
        problems.push(format!("`size: {size}` is not between 1B and 64KiB"));
    }
    if variation >= size && variation != ByteSize::ZERO {
        problems.push(format!("`variation: {variation}` is not less than `size: {size}`"));
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

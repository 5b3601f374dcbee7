//! Settings that several faults share: their defaults and limits.

use std::time::Duration as StdDuration;

use steadfast_model::{Duration, Percent, Problems, proxy::Stream};

mod http;

pub(crate) use http::{
    check_body, check_counts, check_header_name, check_header_value, check_match, exchanges,
};

/// No fault holds traffic for longer: 1 h.
const LONGEST_HOLD: StdDuration = StdDuration::from_secs(60 * 60);
/// The default share: all of it.
pub(crate) fn everything() -> Percent {
    Percent::ALL
}

/// `latency` above zero and at most an hour, `jitter` at most `latency`.
pub(crate) fn check_latency(latency: Duration, jitter: Duration, problems: &mut Problems) {
    if latency == Duration::ZERO {
        problems.error(
            &["latency"],
            "a latency of zero delays nothing",
            Some("write a latency above zero, such as 300ms"),
        );
    }
    check_hold("latency", latency, problems);
    if jitter > latency {
        problems.error(
            &["jitter"],
            format!("a jitter of {jitter} is more than the latency of {latency}"),
            Some("nothing can be held for less than no time: write a jitter of at most the latency"),
        );
    }
}

/// At most an hour.
pub(crate) fn check_hold(field: &str, length: Duration, problems: &mut Problems) {
    if length.std() > LONGEST_HOLD {
        problems.error(&[field], format!("{length} is longer than 1h"), Some("write at most 1h"));
    }
}

/// Above zero.
pub(crate) fn check_share(percent: Percent, problems: &mut Problems) {
    if percent.fraction() <= 0.0 {
        problems.error(
            &["percent"],
            "0% disturbs nothing",
            Some("write a share above 0%, such as 5%, or leave it out for 100%"),
        );
    }
}

/// What a share of something is called in a sentence: `every request`, `5% of requests`.
pub(crate) fn share_of(percent: Percent, one: &str, many: &str) -> String {
    if percent == Percent::ALL { format!("every {one}") } else { format!("{percent} of {many}") }
}

/// `300ms`, or `300ms ± 20ms`.
pub(crate) fn spread(latency: Duration, jitter: Duration) -> String {
    if jitter == Duration::ZERO { latency.to_string() } else { format!("{latency} ± {jitter}") }
}

/// Which bytes a half of a connection is: `bytes to the server`.
pub(crate) fn bytes_of(stream: Stream) -> &'static str {
    match stream {
        Stream::Upstream => "bytes to the server",
        Stream::Downstream => "bytes to the client",
        Stream::Both => "bytes both ways",
    }
}

//! Settings that several faults share: their defaults and limits.

use std::time::Duration as StdDuration;

use steadfast_model::{Duration, Percent, Problems, proxy::HttpMatch};

/// No fault holds traffic for longer: 1 h.
const LONGEST_HOLD: StdDuration = StdDuration::from_secs(60 * 60);
/// The longest method or path pattern, in bytes.
const LONGEST_PATTERN: usize = 2_048;

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

/// A method and a path that a request can have.
pub(crate) fn check_match(matching: &HttpMatch, problems: &mut Problems) {
    if let Some(method) = &matching.method
        && (method.is_empty() || method.len() > LONGEST_PATTERN || !method.bytes().all(is_token))
    {
        problems.error(
            &["match", "method"],
            format!("`{method}` is no HTTP method"),
            Some("write GET, POST, PUT or the like"),
        );
    }
    if let Some(path) = &matching.path {
        check_path(path, problems);
    }
}

fn check_path(path: &str, problems: &mut Problems) {
    let at = ["match", "path"];
    if !path.starts_with(['/', '*']) {
        problems.error(
            &at,
            format!("`{path}` matches no request"),
            Some("a path begins with / or with *, as in /pay/*"),
        );
    } else if path.contains(['?', '#']) {
        problems.error(
            &at,
            format!("`{path}` matches no request"),
            Some("the path is matched without its query: end it before ?"),
        );
    } else if path.len() > LONGEST_PATTERN
        || path.contains(|letter: char| letter.is_whitespace() || letter.is_control())
    {
        let hint = Some("write at most 2048 bytes, and spaces as %20");
        problems.error(&at, "this path matches no request", hint);
    }
}

/// A byte of a token, RFC 9110 section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// What a share of something is called in a sentence: `every request`, `5% of requests`.
pub(crate) fn share_of(percent: Percent, one: &str, many: &str) -> String {
    if percent == Percent::ALL { format!("every {one}") } else { format!("{percent} of {many}") }
}

/// `300ms`, or `300ms ± 20ms`.
pub(crate) fn spread(latency: Duration, jitter: Duration) -> String {
    if jitter == Duration::ZERO { latency.to_string() } else { format!("{latency} ± {jitter}") }
}

/// ` with POST /pay/*`, or nothing when every request matches.
pub(crate) fn which(matching: &HttpMatch) -> String {
    match (&matching.method, &matching.path) {
        (None, None) => String::new(),
        (Some(method), None) => format!(" with {method}"),
        (None, Some(path)) => format!(" to {path}"),
        (Some(method), Some(path)) => format!(" with {method} {path}"),
    }
}

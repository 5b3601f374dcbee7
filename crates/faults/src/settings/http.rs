//! Settings of faults on requests.

use steadfast_model::{
    Percent, Problems,
    proxy::{HttpMatch, Side},
};

use super::share_of;

/// The longest method, path pattern or header pattern, in bytes.
const LONGEST_PATTERN: usize = 1_024;
/// The most headers a request can be matched by.
const MOST_HEADERS: usize = 32;
/// The longest body a document brings along: 64 KiB.
const LONGEST_BODY: usize = 64 * 1024;

/// A method, a path and headers that a request can have, and counts that leave some.
pub(crate) fn check_match(matching: &HttpMatch, problems: &mut Problems) {
    if let Some(method) = &matching.method
        && !is_token(method)
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
    if matching.headers.len() > MOST_HEADERS {
        let message = format!("{} headers are more than {MOST_HEADERS}", matching.headers.len());
        problems.error(&["match", "headers"], message, Some("match by fewer headers"));
    }
    for (name, value) in &matching.headers {
        check_header_name(&["match", "headers", name], name, problems);
        check_header_value(&["match", "headers", name], value, problems);
    }
    check_counts(matching.first, matching.every, problems);
}

/// Counts that leave some of what matches.
pub(crate) fn check_counts(first: Option<u64>, every: Option<u64>, problems: &mut Problems) {
    for (field, count) in [("first", first), ("every", every)] {
        if count == Some(0) {
            problems.error(
                &["match", field],
                format!("`{field}: 0` leaves no request"),
                Some("write 1 or more, or leave it out for all requests"),
            );
        }
    }
    if let (Some(first), Some(every)) = (first, every)
        && first < every
        && first > 0
    {
        problems.error(
            &["match", "every"],
            format!("`every: {every}` of the first {first} is none"),
            Some("`first` counts the requests that match: write at least as many as `every` says"),
        );
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
        let hint = Some("write at most 1024 bytes, and spaces as %20");
        problems.error(&at, "this path matches no request", hint);
    }
}

/// A name that a header can have.
pub(crate) fn check_header_name(at: &[&str], name: &str, problems: &mut Problems) {
    if !is_token(name) {
        let hint = Some("write letters, digits and dashes, as in X-Tenant");
        problems.error(at, format!("`{}` is no name of a header", name.escape_debug()), hint);
    }
}

/// A value that a header can have: visible ASCII, with spaces and tabs within.
pub(crate) fn check_header_value(at: &[&str], value: &str, problems: &mut Problems) {
    let plain = value.bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte));
    if !plain || value.trim() != value || value.len() > LONGEST_PATTERN {
        let hint = Some("write at most 1024 ASCII characters, with neither line breaks nor spaces around");
        problems.error(at, "no header has such a value", hint);
    }
}

/// A body that a document may bring along.
pub(crate) fn check_body(at: &[&str], body: &str, problems: &mut Problems) {
    if body.len() > LONGEST_BODY {
        let message = format!("a body of {} bytes is longer than 64 KiB", body.len());
        problems.error(at, message, Some("shorten it to at most 65536 bytes"));
    }
}

/// A token, RFC 9110 section 5.6.2.
fn is_token(text: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.len() <= LONGEST_PATTERN && text.bytes().all(is_token)
}

/// Which exchanges a fault is about: `every request with POST /pay/*`, `5% of responses to requests to /pay`.
pub(crate) fn exchanges(side: Side, percent: Percent, matching: &HttpMatch) -> String {
    let (one, many) = match side {
        Side::Request => ("request", "requests"),
        Side::Response => ("response", "responses"),
    };
    let share = share_of(percent, one, many);
    match (side, which(matching)) {
        (_, which) if which.is_empty() => share,
        (Side::Request, which) => format!("{share}{which}"),
        (Side::Response, which) => format!("{share} to requests{which}"),
    }
}

/// ` with POST /pay/*`, or nothing when every request matches.
fn which(matching: &HttpMatch) -> String {
    let mut text = match (&matching.method, &matching.path) {
        (None, None) => String::new(),
        (Some(method), None) => format!(" with {method}"),
        (None, Some(path)) => format!(" to {path}"),
        (Some(method), Some(path)) => format!(" with {method} {path}"),
    };
    let mut limits: Vec<String> =
        matching.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    limits.extend(matching.first.map(|first| format!("the first {first}")));
    limits.extend(matching.every.map(|every| format!("one in {every}")));
    if !limits.is_empty() {
        text.push_str(&format!(" ({})", limits.join(", ")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matching(json: serde_json::Value) -> HttpMatch {
        serde_json::from_value(json).unwrap()
    }

    fn problems(json: serde_json::Value) -> Vec<String> {
        let mut problems = Problems::new();
        check_match(&matching(json), &mut problems);
        problems.all().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn headers_and_counts_that_leave_no_request_are_problems() {
        let bad = serde_json::json!({ "headers": { "x y": "1", "x-a": "b\nc", "x-b": " c" }, "first": 0, "every": 0 });
        let found = problems(bad);
        assert_eq!(found.len(), 5, "{found:?}");
        assert!(found.iter().any(|problem| problem.starts_with("match.first")), "{found:?}");
        assert_eq!(problems(serde_json::json!({ "first": 2, "every": 3 })).len(), 1);
        let good =
            serde_json::json!({ "headers": { "X-Tenant": "acme*", "x-empty": "" }, "first": 3, "every": 3 });
        assert_eq!(problems(good), Vec::<String>::new());
    }

    #[test]
    fn what_is_matched_is_said_in_words() {
        let all = matching(serde_json::json!({
            "method": "POST", "path": "/pay/*", "headers": { "X-Tenant": "acme" }, "first": 9, "every": 3,
        }));
        let some = Percent::new(5.0).unwrap();
        assert_eq!(
            exchanges(Side::Response, some, &all),
            "5% of responses to requests with POST /pay/* (X-Tenant: acme, the first 9, one in 3)"
        );
        assert_eq!(exchanges(Side::Request, Percent::ALL, &HttpMatch::default()), "every request");
    }
}

//! Headers as a document gives them.

use std::collections::BTreeMap;

use http::{HeaderName, HeaderValue, Method};
use steadfast_model::{
    Problems,
    secret::{Secret, TextOrSecret},
};

use crate::{ProbeError, world::World};

const MOST: usize = 100;
const LONGEST_VALUE: usize = 8 * 1024;

/// Headers that belong to the connection and are written by the client itself.
const OUR_OWN: [&str; 5] = ["host", "content-length", "transfer-encoding", "connection", "upgrade"];

/// All problems with headers.
pub(crate) fn check(headers: &BTreeMap<String, TextOrSecret>, problems: &mut Problems) {
    if headers.len() > MOST {
        problems.error(&["headers"], format!("these are more than {MOST}"), None);
    }
    for (name, value) in headers {
        if name.parse::<HeaderName>().is_err() {
            problems.error(&["headers", name], "this is no name of a header", Some("letters, digits and -"));
        }
        if OUR_OWN.contains(&name.to_ascii_lowercase().as_str()) {
            problems.error(&["headers", name], "this header is written by the client", Some("leave it out"));
        }
        if let TextOrSecret::Text(text) = value
            && (text.len() > LONGEST_VALUE || HeaderValue::from_str(text).is_err())
        {
            problems.error(&["headers", name], "this cannot be the value of a header", None);
        }
    }
}

/// All problems with a method.
pub(crate) fn check_method(method: &str, problems: &mut Problems) {
    let known = Method::from_bytes(method.as_bytes())
        .is_ok_and(|_| method.len() <= 20 && method.chars().all(|letter| letter.is_ascii_uppercase()));
    if !known || method == "CONNECT" {
        problems.error(
            &["method"],
            format!("`{method}` is no method to ask with"),
            Some("GET, POST, PUT ..."),
        );
    }
}

/// The headers with their secrets fetched.
pub(crate) fn resolve(
    headers: &BTreeMap<String, TextOrSecret>,
    world: &dyn World,
) -> Result<Vec<(String, Secret)>, ProbeError> {
    headers
        .iter()
        .map(|(name, value)| {
            let value = match value {
                TextOrSecret::Text(text) => Secret::new(text.clone()),
                TextOrSecret::Secret { secret } => world.secret(secret)?,
            };
            Ok((name.clone(), value))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unusable_header_and_method_is_named() {
        let text = |text: &str| TextOrSecret::Text(text.to_owned());
        let headers = BTreeMap::from([
            ("accept".to_owned(), text("text/plain")),
            ("Host".to_owned(), text("elsewhere")),
            ("two words".to_owned(), text("x")),
            ("x-split".to_owned(), text("a\r\nb: c")),
        ]);
        let mut problems = Problems::new();
        check(&headers, &mut problems);
        assert_eq!(problems.all().len(), 3, "{problems:?}");
        for method in ["", "get", "GE T", "CONNECT"] {
            let mut problems = Problems::new();
            check_method(method, &mut problems);
            assert!(problems.has_errors(), "{method}");
        }
    }
}

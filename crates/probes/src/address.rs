//! Where to look: a service of the binding or an address, and the path behind it.

use std::time::Duration;

use http::{Uri, uri::Scheme};
use steadfast_model::Problems;

use crate::{
    ProbeError,
    world::{ServiceUrl, World},
};

/// The longest address a document may name, in bytes.
pub const LONGEST: usize = 8 * 1024;

/// Checks what a document says about where to look: exactly one of `service` and `url`, and a sound `path`.
pub fn check(service: Option<&str>, url: Option<&str>, path: Option<&str>, problems: &mut Problems) {
    match (service, url) {
        (None, None) => problems.error(
            &[],
            "neither `service` nor `url` is given",
            Some("name a service of the binding, or write url: 'http://127.0.0.1:7000'"),
        ),
        (Some(_), Some(_)) => problems.error(
            &["url"],
            "both `service` and `url` are given",
            Some("keep one: `service` is looked up in the binding, `url` is used as it is"),
        ),
        (Some(""), None) => problems.error(&["service"], "the name is empty", None),
        (Some(_), None) => {}
        (None, Some(url)) => {
            if let Err(wrong) = parse(url) {
                problems.error(&["url"], wrong, Some("write something like http://127.0.0.1:7000/health"));
            } else if path.is_some() && url.contains('?') {
                problems.error(
                    &["url"],
                    "a query cannot be followed by `path`",
                    Some("move the query to `path`"),
                );
            }
        }
    }
    if let Some(path) = path {
        if !path.starts_with('/') {
            problems.error(&["path"], format!("`{path}` does not begin with /"), None);
        } else if path.len() > LONGEST || path.contains('#') || path.parse::<Uri>().is_err() {
            problems.error(
                &["path"],
                "this is no path of a URL",
                Some("encode spaces and special characters: %20"),
            );
        }
    }
}

/// Checks how long to wait: above zero, at most a minute, since a look must come back.
pub(crate) fn check_timeout(timeout: Duration, problems: &mut Problems) {
    if timeout.is_zero() {
        problems.error(&["timeout"], "nothing is answered in no time", Some("write a duration such as 2s"));
    } else if timeout > Duration::from_secs(60) {
        problems.error(&["timeout"], "this is longer than a minute", None);
    }
}

/// The address to ask, from the document and the binding.
///
/// # Errors
/// When the binding does not know the service, or what it knows is no address.
pub fn resolve(
    world: &dyn World,
    which: ServiceUrl,
    service: Option<&str>,
    url: Option<&str>,
    path: Option<&str>,
) -> Result<String, ProbeError> {
    let base = match (service, url) {
        (Some(service), _) => world.service_url(service, which)?,
        (None, Some(url)) => url.to_owned(),
        (None, None) => String::new(),
    };
    let joined = match path {
        Some(path) => format!("{}{path}", base.trim_end_matches('/')),
        None => base,
    };
    parse(&joined).map(|_| joined.clone()).map_err(|cause| ProbeError {
        what: format!("use the address of {}", service.unwrap_or("the document")),
        cause,
        hint: Some("look at the binding document".to_owned()),
        ours: true,
    })
}

/// Reads an absolute `http` or `https` address.
///
/// # Errors
/// What is wrong with it, as a sentence without its full stop. The address is not repeated: it may hold a secret.
pub fn parse(url: &str) -> Result<Uri, String> {
    if url.len() > LONGEST {
        return Err(format!("this is longer than {LONGEST} bytes"));
    }
    let uri: Uri =
        url.parse().map_err(|wrong: http::uri::InvalidUri| format!("this is no address: {wrong}"))?;
    if uri.scheme() != Some(&Scheme::HTTP) && uri.scheme() != Some(&Scheme::HTTPS) {
        return Err("this does not begin with http:// or https://".to_owned());
    }
    let authority = uri.authority().ok_or("there is no host in this address")?;
    if authority.host().is_empty() {
        return Err("there is no host in this address".to_owned());
    }
    if authority.as_str().contains('@') {
        return Err(
            "a user name or password does not belong into an address: use a header with a secret".to_owned()
        );
    }
    Ok(uri)
}

/// The address without its query, which may hold what should not be printed.
#[must_use]
pub fn shown(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(service: Option<&str>, url: Option<&str>, path: Option<&str>) -> Vec<String> {
        let mut problems = Problems::new();
        check(service, url, path, &mut problems);
        problems.all().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_service_or_an_address_is_enough() {
        assert!(problems(Some("risk"), None, Some("/healthz?full=1")).is_empty());
        assert!(problems(None, Some("https://risk.example:8443/v1"), None).is_empty());
        assert!(problems(None, Some("http://[::1]:7000"), Some("/")).is_empty());
    }

    #[test]
    fn what_is_wrong_is_said_all_at_once() {
        assert_eq!(problems(None, Some("ftp://x"), Some("healthz")).len(), 2);
        assert_eq!(problems(Some("risk"), Some("http://x"), None).len(), 1);
        assert_eq!(problems(None, None, Some("/a b")).len(), 2);
        for url in
            ["", "/health", "127.0.0.1:7000", "http://", "http://u:p@host/", "http://x/\u{0}", "file:///x"]
        {
            assert_eq!(problems(None, Some(url), None).len(), 1, "{url}");
        }
    }

    #[test]
    fn a_query_is_not_shown() {
        assert_eq!(shown("http://x/a?token=1"), "http://x/a");
    }
}

//! Which requests a rule is about.

use hyper::{HeaderMap, Version, header::CONTENT_TYPE};
use steadfast_model::{glob, proxy::HttpMatch};

/// What rules look at of a request.
#[derive(Clone, Copy)]
pub(crate) struct Head<'a> {
    pub(crate) version: Version,
    pub(crate) method: &'a str,
    /// Without the query.
    pub(crate) path: &'a str,
    pub(crate) headers: &'a HeaderMap,
}

impl Head<'_> {
    /// Whether its method, path and headers are such. Counts and chance are left to the rule.
    pub(crate) fn matches(&self, matching: &HttpMatch) -> bool {
        let HttpMatch { method, path, headers, first: _, every: _ } = matching;
        method.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(self.method))
            && path.as_ref().is_none_or(|pattern| glob::matches(pattern, self.path))
            && headers.iter().all(|(name, pattern)| self.has(name, pattern))
    }

    /// Whether it is a gRPC call. The kinds for browsers, `application/grpc-web` and others, are not: they end otherwise.
    pub(crate) fn is_grpc(&self) -> bool {
        let kind = self
            .headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.as_bytes().strip_prefix(b"application/grpc"));
        let is_grpc = kind.is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';')));
        is_grpc && self.version == Version::HTTP_2 && self.method == "POST"
    }

    /// Whether one of the headers of that name has such a value. Values that are no text match `*` alone.
    fn has(&self, name: &str, pattern: &str) -> bool {
        self.headers.get_all(name).iter().any(|value| match value.to_str() {
            Ok(text) => glob::matches(pattern, text),
            Err(_) => pattern == "*",
        })
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::{HeaderName, HeaderValue};

    use super::*;

    fn check(matching: serde_json::Value, expected: bool) {
        let mut headers = HeaderMap::new();
        for (name, value) in [("x-tenant", &b"acme-1"[..]), ("x-tenant", b"other"), ("x-raw", b"\xff")] {
            headers.append(HeaderName::from_static(name), HeaderValue::from_bytes(value).unwrap());
        }
        let head = Head { version: Version::HTTP_11, method: "POST", path: "/pay/1", headers: &headers };
        let told: HttpMatch = serde_json::from_value(matching.clone()).unwrap();
        assert_eq!(head.matches(&told), expected, "{matching}");
    }

    #[test]
    fn everything_named_must_match_and_what_is_left_out_always_does() {
        check(serde_json::json!({}), true);
        check(
            serde_json::json!({ "method": "post", "path": "/pay/*", "headers": { "X-Tenant": "acme*" } }),
            true,
        );
        check(serde_json::json!({ "method": "GET", "path": "/pay/*" }), false);
        check(serde_json::json!({ "path": "/pay" }), false);
    }

    #[test]
    fn any_value_of_a_name_will_do_and_all_names_must() {
        check(serde_json::json!({ "headers": { "x-tenant": "other" } }), true);
        check(serde_json::json!({ "headers": { "x-tenant": "*", "x-raw": "*" } }), true);
        check(serde_json::json!({ "headers": { "x-tenant": "acme" } }), false);
        check(serde_json::json!({ "headers": { "x-tenant": "*", "x-missing": "*" } }), false);
        check(serde_json::json!({ "headers": { "x-raw": "?" } }), false);
    }

    #[test]
    fn a_grpc_call_is_told_by_version_method_and_content_type() {
        let check = |version, method, kind: &'static str, expected| {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(kind))]);
            let head = Head { version, method, path: "/a.B/C", headers: &headers };
            assert_eq!(head.is_grpc(), expected, "{version:?} {method} {kind}");
        };
        for kind in ["application/grpc", "application/grpc+proto", "application/grpc;x=y"] {
            check(Version::HTTP_2, "POST", kind, true);
            check(Version::HTTP_11, "POST", kind, false);
            check(Version::HTTP_2, "GET", kind, false);
        }
        for kind in ["application/grpc-web", "application/grpc-web+proto", "application/json", ""] {
            check(Version::HTTP_2, "POST", kind, false);
        }
    }
}

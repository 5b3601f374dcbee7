//! Answers gRPC calls in the server's place.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use steadfast_model::{
    Percent, Problems,
    proxy::{GrpcCode, HttpMatch, Protocol, ProxyFault},
};

use crate::{
    on_proxy::{Counts, HTTP_ASPECTS, ProxyRuled},
    settings::{check_counts, check_share, everything, share_of},
    world::NewRule,
};

/// The longest message, in bytes: clients take few KiB of headers, and an escaped message has up to three times as many.
const LONGEST_MESSAGE: usize = 1024;
/// The longest name of a service or method, in bytes.
const LONGEST_NAME: usize = 256;

/// Answers gRPC calls with a failure in the server's place, which never sees them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GrpcStatus {
    /// How calls fail: the name or the number of a status, such as `UNAVAILABLE` or `14`.
    pub code: GrpcCode,
    /// What people read about it, at most 1 KiB.
    #[serde(default)]
    pub message: String,
    /// Which calls; all of them when left out.
    #[serde(default, rename = "match")]
    pub matching: GrpcMatch,
    /// The share of matching calls it applies to.
    #[serde(default = "everything")]
    pub percent: Percent,
    /// Makes chance repeatable: the same seed picks the same calls.
    #[serde(default)]
    pub seed: u64,
}

/// Which gRPC calls a fault applies to. An absent field matches everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GrpcMatch {
    /// The service with its package, such as `shop.Payments`; `*` stands for any characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The method, such as `Charge`; `*` stands for any characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Only the first so many of the calls that match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<u64>,
    /// Only one in so many of the calls that match: with 3 the third, the sixth and so on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<u64>,
}

impl ProxyRuled for GrpcStatus {
    const KIND: &'static str = "grpcStatus";
    const NEEDS: Protocol = Protocol::Http;
    const COUNTS: Counts = Counts { things: "gRPC calls", done: "answered" };

    fn check(&self, problems: &mut Problems) {
        if self.message.len() > LONGEST_MESSAGE {
            let message = format!("a message of {} bytes is longer than 1 KiB", self.message.len());
            problems.error(&["message"], message, Some("shorten it to at most 1024 bytes"));
        }
        let GrpcMatch { service, method, first, every } = &self.matching;
        for (field, name) in [("service", service), ("method", method)] {
            if let Some(name) = name {
                check_name(field, name, problems);
            }
        }
        check_counts(*first, *every, problems);
        check_share(self.percent, problems);
    }

    fn does(&self) -> String {
        let calls = share_of(self.percent, "gRPC call", "gRPC calls");
        format!("answer {calls}{} with {}", self.matching.which(), self.code)
    }

    /// When every call is answered, none is left for other faults on requests.
    fn holds(&self) -> &'static [&'static str] {
        let nothing_passes = self.percent == Percent::ALL && self.matching == GrpcMatch::default();
        if nothing_passes { HTTP_ASPECTS } else { &["grpc-status"] }
    }

    fn rule(&self) -> NewRule {
        let fault = ProxyFault::GrpcStatus {
            code: self.code,
            message: self.message.clone(),
            matching: self.matching.as_requests(),
        };
        NewRule { fault, percent: self.percent, seed: self.seed }
    }
}

impl GrpcMatch {
    /// A call is a request for `/SERVICE/METHOD`.
    fn as_requests(&self) -> HttpMatch {
        let any = || "*".to_owned();
        let (service, method) =
            (self.service.clone().unwrap_or_else(any), self.method.clone().unwrap_or_else(any));
        HttpMatch {
            path: Some(format!("/{service}/{method}")),
            first: self.first,
            every: self.every,
            ..HttpMatch::default()
        }
    }

    /// ` to shop.Payments/Charge (one in 3)`, or nothing when every call matches.
    fn which(&self) -> String {
        let mut text = match (&self.service, &self.method) {
            (None, None) => String::new(),
            (service, method) => {
                let name = |part: &Option<String>| part.clone().unwrap_or_else(|| "*".to_owned());
                format!(" to {}/{}", name(service), name(method))
            }
        };
        let first = self.first.map(|first| format!("the first {first}"));
        let limits: Vec<String> =
            first.into_iter().chain(self.every.map(|every| format!("one in {every}"))).collect();
        if !limits.is_empty() {
            text.push_str(&format!(" ({})", limits.join(", ")));
        }
        text
    }
}

/// A name, or a pattern for names, without the slashes that stand between them.
fn check_name(field: &str, name: &str, problems: &mut Problems) {
    let may_be = |letter: char| letter.is_ascii_alphanumeric() || "._*".contains(letter);
    if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(may_be) {
        let hint = match field {
            "service" => "write the service with its package, as in shop.Payments or shop.*",
            _ => "write the method alone, as in Charge or Get*",
        };
        problems.error(
            &["match", field],
            format!("`{}` is no name of a {field}", name.escape_debug()),
            Some(hint),
        );
    }
}

#[cfg(test)]
mod tests;

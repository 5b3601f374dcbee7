//! Answers HTTP requests in the server's place.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use steadfast_model::{
    Percent, Problems,
    proxy::{HttpMatch, Protocol, ProxyFault, Side},
};

use crate::{
    on_proxy::{Counts, HTTP_ASPECTS, ProxyRuled},
    settings::{check_body, check_match, check_share, everything, exchanges},
    world::NewRule,
};

/// Answers HTTP requests in the server's place, which never sees them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HttpStatus {
    /// The status of the answer, 200 to 599.
    pub status: u16,
    /// The body of the answer, at most 64 KiB.
    #[serde(default)]
    pub body: String,
    /// Which requests; all of them when left out.
    #[serde(default, rename = "match")]
    pub matching: Box<HttpMatch>,
    /// The share of matching requests it applies to.
    #[serde(default = "everything")]
    pub percent: Percent,
    /// Makes chance repeatable: the same seed picks the same requests.
    #[serde(default)]
    pub seed: u64,
}

impl ProxyRuled for HttpStatus {
    const KIND: &'static str = "httpStatus";
    const NEEDS: Protocol = Protocol::Http;
    const COUNTS: Counts = Counts { things: "requests", done: "answered" };

    fn check(&self, problems: &mut Problems) {
        self.check_answer(problems);
        check_match(&self.matching, problems);
        check_share(self.percent, problems);
    }

    fn does(&self) -> String {
        let what = exchanges(Side::Request, self.percent, &self.matching);
        format!("answer {what} with {}", self.status)
    }

    /// When every request is answered, none is left for other faults on requests.
    fn holds(&self) -> &'static [&'static str] {
        let nothing_passes = self.percent == Percent::ALL && *self.matching == HttpMatch::default();
        if nothing_passes { HTTP_ASPECTS } else { &["http-status"] }
    }

    fn rule(&self) -> NewRule {
        let fault = ProxyFault::HttpStatus {
            status: self.status,
            body: self.body.clone(),
            matching: (*self.matching).clone(),
        };
        NewRule { fault, percent: self.percent, seed: self.seed }
    }
}

impl HttpStatus {
    fn check_answer(&self, problems: &mut Problems) {
        if !(200..=599).contains(&self.status) {
            let hint = Some("write a final status from 200 to 599, such as 503");
            problems.error(&["status"], format!("{} does not end a request", self.status), hint);
        }
        check_body(&["body"], &self.body, problems);
        // RFC 9110, sections 15.3.5, 15.3.6 and 15.4.5.
        if !self.body.is_empty() && matches!(self.status, 204 | 205 | 304) {
            let message = format!("an answer with status {} has no body", self.status);
            problems.error(&["body"], message, Some("leave the body out, or take another status"));
        }
    }
}

#[cfg(test)]
mod tests;

//! Closes connections, or streams, instead of answering.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use steadfast_model::{
    Percent, Problems,
    proxy::{HttpMatch, Protocol, ProxyFault, Side},
};

use crate::{
    on_proxy::{Counts, HTTP_ASPECTS, ProxyRuled},
    settings::{check_match, check_share, everything, exchanges},
    world::NewRule,
};

/// Closes the connection, or the stream, instead of answering an HTTP request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HttpAbort {
    /// When: at the `request`, before the server sees it, or at the `response`, in its place.
    #[serde(default)]
    pub side: Side,
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

impl ProxyRuled for HttpAbort {
    const KIND: &'static str = "httpAbort";
    const NEEDS: Protocol = Protocol::Http;
    const COUNTS: Counts = Counts { things: "requests", done: "aborted" };

    fn check(&self, problems: &mut Problems) {
        check_match(&self.matching, problems);
        check_share(self.percent, problems);
    }

    fn does(&self) -> String {
        let what = exchanges(Side::Request, self.percent, &self.matching);
        match self.side {
            Side::Request => format!("close the connection instead of passing on {what}"),
            Side::Response => {
                format!("close the connection instead of answering {what}, which the server gets")
            }
        }
    }

    /// When every request is aborted, none is left for other faults on requests.
    fn holds(&self) -> &'static [&'static str] {
        let nothing_passes = self.percent == Percent::ALL && *self.matching == HttpMatch::default();
        if nothing_passes { HTTP_ASPECTS } else { &["http-abort"] }
    }

    fn rule(&self) -> NewRule {
        let fault = ProxyFault::HttpAbort { side: self.side, matching: (*self.matching).clone() };
        NewRule { fault, percent: self.percent, seed: self.seed }
    }
}

#[cfg(test)]
mod tests;

//! Holds HTTP requests or responses.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use steadfast_model::{
    Duration, Percent, Problems,
    proxy::{HttpMatch, Protocol, ProxyFault, Side},
};

use crate::{
    on_proxy::{Counts, ProxyRuled},
    settings::{check_latency, check_match, check_share, everything, exchanges, spread},
    world::NewRule,
};

/// Holds HTTP requests before they reach the server, or responses before they reach the client.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HttpDelay {
    /// For how long, above zero and at most 1h.
    pub latency: Duration,
    /// Plus or minus up to this much, evenly spread; at most `latency`.
    #[serde(default)]
    pub jitter: Duration,
    /// What is held: the `request` before the server sees it, or the `response` before the client does.
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

impl ProxyRuled for HttpDelay {
    const KIND: &'static str = "httpDelay";
    const NEEDS: Protocol = Protocol::Http;
    const COUNTS: Counts = Counts { things: "requests", done: "delayed" };

    fn check(&self, problems: &mut Problems) {
        check_latency(self.latency, self.jitter, problems);
        check_match(&self.matching, problems);
        check_share(self.percent, problems);
    }

    fn does(&self) -> String {
        let what = exchanges(self.side, self.percent, &self.matching);
        format!("hold {what} for {}", spread(self.latency, self.jitter))
    }

    fn holds(&self) -> &'static [&'static str] {
        &["http-delay"]
    }

    fn rule(&self) -> NewRule {
        let fault = ProxyFault::HttpDelay {
            latency: self.latency,
            jitter: self.jitter,
            side: self.side,
            matching: (*self.matching).clone(),
        };
        NewRule { fault, percent: self.percent, seed: self.seed }
    }
}

#[cfg(test)]
mod tests;

//! Holds the end of connections.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use steadfast_model::{
    Duration, Percent, Problems,
    proxy::{Protocol, ProxyFault, Stream},
};

use crate::{
    on_proxy::{Counts, ProxyRuled},
    settings::{check_hold, check_share, everything, share_of},
    world::NewRule,
};

/// Holds the end of connections for a while.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TcpSlowClose {
    /// For how long, above zero and at most 1h.
    pub delay: Duration,
    /// Which half of a connection: `upstream` (to the server), `downstream` (to the client) or `both`.
    #[serde(default)]
    pub stream: Stream,
    /// The share of connections it applies to.
    #[serde(default = "everything")]
    pub percent: Percent,
    /// Makes chance repeatable: the same seed picks the same connections.
    #[serde(default)]
    pub seed: u64,
}

impl ProxyRuled for TcpSlowClose {
    const KIND: &'static str = "tcpSlowClose";
    const NEEDS: Protocol = Protocol::Tcp;
    const COUNTS: Counts = Counts { things: "closes", done: "held" };

    fn check(&self, problems: &mut Problems) {
        if self.delay == Duration::ZERO {
            let hint = Some("write a delay above zero, such as 5s");
            problems.error(&["delay"], "a delay of zero holds nothing", hint);
        }
        check_hold("delay", self.delay, problems);
        check_share(self.percent, problems);
    }

    fn does(&self) -> String {
        let whose = share_of(self.percent, "connection", "connections");
        let from = match self.stream {
            Stream::Upstream => "when the client closes",
            Stream::Downstream => "when the server closes",
            Stream::Both => "whoever closes",
        };
        format!("hold the end of {whose} for {} {from}", self.delay)
    }

    fn holds(&self) -> &'static [&'static str] {
        &["tcp-slow-close"]
    }

    fn rule(&self) -> NewRule {
        let fault = ProxyFault::TcpSlowClose { delay: self.delay, stream: self.stream };
        NewRule { fault, percent: self.percent, seed: self.seed }
    }
}

#[cfg(test)]
mod tests;

//! Holds the bytes of connections.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use steadfast_model::{
    Duration, Percent, Problems,
    proxy::{Protocol, ProxyFault, Stream},
};

use crate::{
    on_proxy::{Counts, ProxyRuled},
    settings::{bytes_of, check_latency, check_share, everything, share_of, spread},
    world::NewRule,
};

/// Holds every chunk of bytes for a while, one way or both ways.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TcpDelay {
    /// For how long, above zero and at most 1h.
    pub latency: Duration,
    /// Plus or minus up to this much, evenly spread; at most `latency`.
    #[serde(default)]
    pub jitter: Duration,
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

impl ProxyRuled for TcpDelay {
    const KIND: &'static str = "tcpDelay";
    const NEEDS: Protocol = Protocol::Tcp;
    const COUNTS: Counts = Counts { things: "chunks of bytes", done: "delayed" };

    fn check(&self, problems: &mut Problems) {
        check_latency(self.latency, self.jitter, problems);
        check_share(self.percent, problems);
    }

    fn does(&self) -> String {
        format!(
            "hold {} on {} for {}",
            bytes_of(self.stream),
            share_of(self.percent, "connection", "connections"),
            spread(self.latency, self.jitter),
        )
    }

    fn holds(&self) -> &'static [&'static str] {
        &["tcp-delay"]
    }

    fn rule(&self) -> NewRule {
        let fault = ProxyFault::TcpDelay { latency: self.latency, jitter: self.jitter, stream: self.stream };
        NewRule { fault, percent: self.percent, seed: self.seed }
    }
}

#[cfg(test)]
mod tests;

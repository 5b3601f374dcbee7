//! Limits how fast the bytes of connections flow.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use steadfast_model::{
    ByteRate, Percent, Problems,
    proxy::{Protocol, ProxyFault, Stream},
};

use crate::{
    on_proxy::{Counts, ProxyRuled},
    settings::{bytes_of, check_share, everything, share_of},
    world::NewRule,
};

/// Lets the bytes of each connection flow no faster than a rate, one way or both ways.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TcpBandwidth {
    /// How fast at most, for each connection and each half by itself: 8bit/s to 1000Gbit/s.
    pub rate: ByteRate,
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

impl ProxyRuled for TcpBandwidth {
    const KIND: &'static str = "tcpBandwidth";
    const NEEDS: Protocol = Protocol::Tcp;
    const COUNTS: Counts = Counts { things: "chunks of bytes", done: "held for a millisecond or longer" };

    fn check(&self, problems: &mut Problems) {
        check_share(self.percent, problems);
    }

    fn does(&self) -> String {
        let whose = share_of(self.percent, "connection", "connections");
        format!("let {} on {whose} flow at {} at most", bytes_of(self.stream), self.rate)
    }

    fn holds(&self) -> &'static [&'static str] {
        &["tcp-bandwidth"]
    }

    fn rule(&self) -> NewRule {
        let fault = ProxyFault::TcpBandwidth { rate: self.rate, stream: self.stream };
        NewRule { fault, percent: self.percent, seed: self.seed }
    }
}

#[cfg(test)]
mod tests;

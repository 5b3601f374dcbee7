//! Ends connections after some bytes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use steadfast_model::{
    ByteSize, Percent, Problems,
    proxy::{Protocol, ProxyFault, Stream},
};

use crate::{
    on_proxy::{Counts, ProxyRuled},
    settings::{bytes_of, check_share, everything, share_of},
    world::NewRule,
};

/// Closes connections after so many bytes have passed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TcpLimitData {
    /// How many bytes pass, at least 1B.
    pub limit: ByteSize,
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

impl ProxyRuled for TcpLimitData {
    const KIND: &'static str = "tcpLimitData";
    const NEEDS: Protocol = Protocol::Tcp;
    const COUNTS: Counts = Counts { things: "connections", done: "closed" };

    fn check(&self, problems: &mut Problems) {
        if self.limit == ByteSize::ZERO {
            let hint = Some("write at least 1B, or take tcpDown, which lets nothing pass");
            problems.error(&["limit"], "a limit of zero lets no connection begin", hint);
        }
        check_share(self.percent, problems);
    }

    fn does(&self) -> String {
        let whose = share_of(self.percent, "connection", "connections");
        format!("close {whose} after {} of {}", self.limit, bytes_of(self.stream))
    }

    fn holds(&self) -> &'static [&'static str] {
        &["tcp-limit-data"]
    }

    fn rule(&self) -> NewRule {
        let fault = ProxyFault::TcpLimitData { limit: self.limit, stream: self.stream };
        NewRule { fault, percent: self.percent, seed: self.seed }
    }
}

#[cfg(test)]
mod tests;

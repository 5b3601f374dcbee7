//! Lets connections fall silent.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use steadfast_model::{
    Duration, Percent, Problems,
    proxy::{Protocol, ProxyFault, Stream},
};

use crate::{
    on_proxy::{self, Counts, ProxyRuled},
    settings::{bytes_of, check_hold, check_share, everything, share_of},
    world::NewRule,
};

/// Swallows the bytes of connections, and closes them after a while.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TcpTimeout {
    /// Closes a connection so long after it began, or after the fault came; at most 1h. With zero it stays open, silent, until
    /// the fault goes.
    #[serde(default)]
    pub after: Duration,
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

impl ProxyRuled for TcpTimeout {
    const KIND: &'static str = "tcpTimeout";
    const NEEDS: Protocol = Protocol::Tcp;
    const COUNTS: Counts = Counts { things: "connections", done: "silenced or closed" };

    fn check(&self, problems: &mut Problems) {
        check_hold("after", self.after, problems);
        check_share(self.percent, problems);
    }

    fn does(&self) -> String {
        let whose = share_of(self.percent, "connection", "connections");
        let close = match self.after {
            Duration::ZERO => "close it when the fault goes".to_owned(),
            after => format!("close it after {after}"),
        };
        format!("swallow {} on {whose} and {close}", bytes_of(self.stream))
    }

    /// When every connection is silent, no other rule of the proxy has anything left to disturb.
    fn holds(&self) -> &'static [&'static str] {
        if self.percent == Percent::ALL { on_proxy::ALL_ASPECTS } else { &["tcp-timeout"] }
    }

    fn rule(&self) -> NewRule {
        let fault = ProxyFault::TcpTimeout { after: self.after, stream: self.stream };
        NewRule { fault, percent: self.percent, seed: self.seed }
    }
}

#[cfg(test)]
mod tests;

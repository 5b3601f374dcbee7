//! Ends connections with a TCP reset.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use steadfast_model::{
    Duration, Percent, Problems,
    proxy::{Protocol, ProxyFault},
};

use crate::{
    on_proxy::{self, Counts, ProxyRuled},
    settings::{check_hold, check_share, everything, share_of},
    world::NewRule,
};

/// Ends connections with a TCP reset, at once or after a while.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TcpReset {
    /// How long a connection may live first, at most 1h.
    #[serde(default)]
    pub after: Duration,
    /// The share of connections it applies to.
    #[serde(default = "everything")]
    pub percent: Percent,
    /// Makes chance repeatable: the same seed picks the same connections.
    #[serde(default)]
    pub seed: u64,
}

impl ProxyRuled for TcpReset {
    const KIND: &'static str = "tcpReset";
    const NEEDS: Protocol = Protocol::Tcp;
    const COUNTS: Counts = Counts { things: "connections", done: "reset" };

    fn check(&self, problems: &mut Problems) {
        check_hold("after", self.after, problems);
        check_share(self.percent, problems);
    }

    fn does(&self) -> String {
        let when = match self.after {
            Duration::ZERO => String::new(),
            after => format!(" {after} after it began"),
        };
        format!("reset {}{when}", share_of(self.percent, "connection", "connections"))
    }

    /// When every connection ends at once, no other rule of the proxy has anything left to disturb.
    fn holds(&self) -> &'static [&'static str] {
        let nothing_passes = self.percent == Percent::ALL && self.after == Duration::ZERO;
        if nothing_passes { on_proxy::ALL_ASPECTS } else { &["tcp-reset"] }
    }

    fn rule(&self) -> NewRule {
        let fault = ProxyFault::TcpReset { after: self.after };
        NewRule { fault, percent: self.percent, seed: self.seed }
    }
}

#[cfg(test)]
mod tests;

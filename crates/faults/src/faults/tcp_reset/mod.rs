//! Ends connections with a TCP reset.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use steadfast_model::{
    Duration, Effect, InjectionId, Observation, Percent, Problems, ResolvedTarget,
    proxy::{Protocol, ProxyFault},
};

use crate::{
    Fault, FaultError, Preview,
    on_proxy::{self, Counts, Plan},
    settings::{check_hold, check_share, everything, share_of},
    world::{Injection, NewRule, World},
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

const KIND: &str = "tcpReset";
const NEEDS: Protocol = Protocol::Tcp;
const COUNTS: Counts = Counts { things: "connections", done: "reset" };

#[async_trait]
impl Fault for TcpReset {
    fn check(&self, problems: &mut Problems) {
        check_hold("after", self.after, problems);
        check_share(self.percent, problems);
    }

    async fn preflight(&self, world: &dyn World, targets: &[ResolvedTarget]) -> Result<Preview, FaultError> {
        let does = format!("reset {}{}", share_of(self.percent, "connection", "connections"), self.later());
        let plan = Plan { kind: KIND, needs: NEEDS, does, holds: self.holds(), warnings: Vec::new() };
        on_proxy::preflight(plan, world, targets).await
    }

    async fn inject(&self, world: &mut dyn Injection, targets: &[ResolvedTarget]) -> Result<(), FaultError> {
        let fault = ProxyFault::TcpReset { after: self.after };
        let rule = NewRule { fault, percent: self.percent, seed: self.seed };
        on_proxy::inject(KIND, NEEDS, rule, world, targets).await
    }

    async fn observe(
        &self,
        world: &dyn World,
        targets: &[ResolvedTarget],
        injection: InjectionId,
    ) -> Result<Observation, FaultError> {
        on_proxy::observe(world, targets, injection).await
    }

    fn judge(&self, before: &Observation, now: &Observation) -> Effect {
        on_proxy::judge(COUNTS, before, now)
    }
}

impl TcpReset {
    /// When every connection ends at once, no other rule of the proxy has anything left to disturb.
    fn holds(&self) -> &'static [&'static str] {
        let nothing_passes = self.percent == Percent::ALL && self.after == Duration::ZERO;
        if nothing_passes { on_proxy::ALL_ASPECTS } else { &["tcp-reset"] }
    }

    fn later(&self) -> String {
        if self.after == Duration::ZERO { String::new() } else { format!(" {} after it began", self.after) }
    }
}

#[cfg(test)]
mod tests;

//! Holds the bytes of connections.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use steadfast_model::{
    Duration, Effect, InjectionId, Observation, Percent, Problems, ResolvedTarget,
    proxy::{Protocol, ProxyFault, Stream},
};

use crate::{
    Fault, FaultError, Preview,
    on_proxy::{self, Counts, Plan},
    settings::{check_latency, check_share, everything, share_of, spread},
    world::{Injection, NewRule, World},
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

const KIND: &str = "tcpDelay";
const NEEDS: Protocol = Protocol::Tcp;
const COUNTS: Counts = Counts { things: "chunks of bytes", done: "delayed" };

#[async_trait]
impl Fault for TcpDelay {
    fn check(&self, problems: &mut Problems) {
        check_latency(self.latency, self.jitter, problems);
        check_share(self.percent, problems);
    }

    async fn preflight(&self, world: &dyn World, targets: &[ResolvedTarget]) -> Result<Preview, FaultError> {
        let does = format!(
            "hold {} on {} for {}",
            match self.stream {
                Stream::Upstream => "bytes to the server",
                Stream::Downstream => "bytes to the client",
                Stream::Both => "bytes both ways",
            },
            share_of(self.percent, "connection", "connections"),
            spread(self.latency, self.jitter),
        );
        let plan = Plan { kind: KIND, needs: NEEDS, does, holds: &["tcp-delay"], warnings: Vec::new() };
        on_proxy::preflight(plan, world, targets).await
    }

    async fn inject(&self, world: &mut dyn Injection, targets: &[ResolvedTarget]) -> Result<(), FaultError> {
        let fault = ProxyFault::TcpDelay { latency: self.latency, jitter: self.jitter, stream: self.stream };
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

#[cfg(test)]
mod tests;

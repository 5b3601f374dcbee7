//! Holds HTTP requests.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use steadfast_model::{
    Duration, Effect, InjectionId, Observation, Percent, Problems, ResolvedTarget,
    proxy::{HttpMatch, Protocol, ProxyFault},
};

use crate::{
    Fault, FaultError, Preview,
    on_proxy::{self, Counts, Plan},
    settings::{check_latency, check_match, check_share, everything, share_of, spread, which},
    world::{Injection, NewRule, World},
};

/// Holds HTTP requests for a while before they reach the server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HttpDelay {
    /// For how long, above zero and at most 1h.
    pub latency: Duration,
    /// Plus or minus up to this much, evenly spread; at most `latency`.
    #[serde(default)]
    pub jitter: Duration,
    /// Which requests; all of them when left out.
    #[serde(default, rename = "match")]
    pub matching: HttpMatch,
    /// The share of matching requests it applies to.
    #[serde(default = "everything")]
    pub percent: Percent,
    /// Makes chance repeatable: the same seed picks the same requests.
    #[serde(default)]
    pub seed: u64,
}

const KIND: &str = "httpDelay";
const NEEDS: Protocol = Protocol::Http;
const COUNTS: Counts = Counts { things: "requests", done: "delayed" };

#[async_trait]
impl Fault for HttpDelay {
    fn check(&self, problems: &mut Problems) {
        check_latency(self.latency, self.jitter, problems);
        check_match(&self.matching, problems);
        check_share(self.percent, problems);
    }

    async fn preflight(&self, world: &dyn World, targets: &[ResolvedTarget]) -> Result<Preview, FaultError> {
        let does = format!(
            "hold {}{} for {}",
            share_of(self.percent, "request", "requests"),
            which(&self.matching),
            spread(self.latency, self.jitter),
        );
        let plan = Plan { kind: KIND, needs: NEEDS, does, holds: &["http-delay"], warnings: Vec::new() };
        on_proxy::preflight(plan, world, targets).await
    }

    async fn inject(&self, world: &mut dyn Injection, targets: &[ResolvedTarget]) -> Result<(), FaultError> {
        let fault = ProxyFault::HttpDelay {
            latency: self.latency,
            jitter: self.jitter,
            matching: self.matching.clone(),
        };
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

//! Holds packets.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use steadfast_model::{
    Duration, Effect, InjectionId, Observation, Problems, ResolvedTarget,
    network::{Backend, Direction, NetworkFault, Peer, Ports, Traffic, Transport},
};

use crate::{
    Fault, FaultError, Preview,
    on_network::{self, Plan, check_backend, check_traffic, room},
    settings::{check_latency, spread},
    world::{Injection, World},
};

/// Holds the packets of a network namespace for a while.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NetworkDelay {
    /// For how long, above zero and at most 1m, jitter included.
    pub latency: Duration,
    /// Plus or minus up to this much, evenly spread; at most `latency`.
    #[serde(default)]
    pub jitter: Duration,
    /// Let no packet overtake another; without it, jitter reorders packets.
    #[serde(default)]
    pub keep_order: bool,
    /// Which packets: `ingress` (into the target), `egress` (out of it) or `both`, which holds a request and its answer.
    #[serde(default = "on_the_way_in")]
    pub direction: Direction,
    /// Addresses at the other end, such as `10.0.0.0/8`; everybody when left out. At most 64.
    #[serde(default)]
    pub peers: Vec<Peer>,
    /// TCP and UDP ports at either end, such as `5432` or `8000-8010`; all when left out. At most 64.
    #[serde(default)]
    pub ports: Vec<Ports>,
    /// `tcp`, `udp` or `icmp` only; all when left out.
    #[serde(default)]
    pub protocol: Option<Transport>,
    /// Makes jitter repeatable: the same seed holds the n-th packet as long.
    #[serde(default)]
    pub seed: u64,
    /// By what: `auto` (netem where it is there and does all that is asked for), `netem` or `nftables`.
    #[serde(default)]
    pub backend: Backend,
}

const KIND: &str = "networkDelay";
/// No packet waits longer.
const LONGEST: std::time::Duration = std::time::Duration::from_secs(60);

fn on_the_way_in() -> Direction {
    Direction::Ingress
}

impl NetworkDelay {
    fn traffic(&self) -> Traffic {
        let Self { direction, peers, ports, protocol, .. } = self.clone();
        Traffic { direction, peers, ports, protocol }
    }

    fn warnings(&self) -> Vec<String> {
        room(self.latency, "some pass undelayed, and the effect does not count as seen")
    }

    fn fault(&self) -> NetworkFault {
        let Self { latency, jitter, keep_order, seed, backend, .. } = *self;
        NetworkFault::Delay { latency, jitter, keep_order, seed, backend }
    }
}

#[async_trait]
impl Fault for NetworkDelay {
    fn check(&self, problems: &mut Problems) {
        check_latency(self.latency, self.jitter, problems);
        if self.latency.std() + self.jitter.std() > LONGEST {
            let hint =
                "a packet that is held for longer is as good as lost: take networkPartition or networkLoss";
            problems.error(
                &["latency"],
                "packets can wait for at most a minute, jitter included",
                Some(hint),
            );
        }
        check_traffic(&self.peers, &self.ports, self.protocol, problems);
        check_backend(&self.traffic(), &self.fault(), problems);
    }

    async fn preflight(&self, world: &dyn World, targets: &[ResolvedTarget]) -> Result<Preview, FaultError> {
        let does = format!("hold packets for {}", spread(self.latency, self.jitter));
        let (traffic, fault) = (self.traffic(), self.fault());
        let plan = Plan { kind: KIND, does, traffic: &traffic, fault: &fault, warnings: self.warnings() };
        on_network::preflight(plan, world, targets).await
    }

    async fn inject(&self, world: &mut dyn Injection, targets: &[ResolvedTarget]) -> Result<(), FaultError> {
        on_network::inject(KIND, &self.traffic(), &self.fault(), world, targets).await
    }

    async fn observe(
        &self,
        world: &dyn World,
        targets: &[ResolvedTarget],
        injection: InjectionId,
    ) -> Result<Observation, FaultError> {
        on_network::observe(world, targets, injection).await
    }

    fn judge(&self, before: &Observation, now: &Observation) -> Effect {
        on_network::judge("held", true, before, now)
    }
}

#[cfg(test)]
mod tests;

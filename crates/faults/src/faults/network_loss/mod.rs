//! Loses packets.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use steadfast_model::{
    Effect, InjectionId, Observation, Percent, Problems, ResolvedTarget,
    network::{Backend, Direction, NetworkFault, Peer, Ports, Traffic, Transport},
};

use crate::{
    Fault, FaultError, Preview,
    on_network::{self, Plan, check_backend, check_packets, check_traffic},
    world::{Injection, World},
};

/// Loses a share of the packets of a network namespace, each by chance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NetworkLoss {
    /// The share that is lost, at least 0.0001% and with that precision.
    pub percent: Percent,
    /// Which packets: `ingress` (into the target), `egress` (out of it) or `both`.
    #[serde(default)]
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
    /// By what: `auto` (netem where it is there and does all that is asked for), `netem` or `nftables`.
    #[serde(default)]
    pub backend: Backend,
}

const KIND: &str = "networkLoss";

impl NetworkLoss {
    fn traffic(&self) -> Traffic {
        let Self { direction, peers, ports, protocol, .. } = self.clone();
        Traffic { direction, peers, ports, protocol }
    }

    fn fault(&self) -> NetworkFault {
        NetworkFault::Loss { percent: self.percent, backend: self.backend }
    }
}

#[async_trait]
impl Fault for NetworkLoss {
    fn check(&self, problems: &mut Problems) {
        check_packets(self.percent, problems);
        check_traffic(&self.peers, &self.ports, self.protocol, problems);
        check_backend(&self.traffic(), &self.fault(), problems);
    }

    async fn preflight(&self, world: &dyn World, targets: &[ResolvedTarget]) -> Result<Preview, FaultError> {
        let does = format!("lose {} of packets", self.percent);
        let (traffic, fault) = (self.traffic(), self.fault());
        let plan = Plan { kind: KIND, does, traffic: &traffic, fault: &fault, warnings: Vec::new() };
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
        on_network::judge("lost", false, before, now)
    }
}

#[cfg(test)]
mod tests;

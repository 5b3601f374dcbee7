//! Drops packets.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use steadfast_model::{
    Effect, InjectionId, Observation, Problems, ResolvedTarget,
    network::{Direction, NetworkFault, Peer, Ports, Traffic, Transport},
};

use crate::{
    Fault, FaultError, Preview,
    on_network::{self, Plan, check_traffic},
    world::{Injection, World},
};

/// Cuts a network namespace off: from everybody, or from some peers, ports or a protocol only.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NetworkPartition {
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
    /// Tell senders: connections are refused and reset, instead of silence until a timeout.
    #[serde(default)]
    pub visible: bool,
}

const KIND: &str = "networkPartition";

impl NetworkPartition {
    fn traffic(&self) -> Traffic {
        let Self { direction, peers, ports, protocol, .. } = self.clone();
        Traffic { direction, peers, ports, protocol }
    }

    fn fault(&self) -> NetworkFault {
        NetworkFault::Partition { visible: self.visible }
    }
}

#[async_trait]
impl Fault for NetworkPartition {
    fn check(&self, problems: &mut Problems) {
        check_traffic(&self.peers, &self.ports, self.protocol, problems);
    }

    async fn preflight(&self, world: &dyn World, targets: &[ResolvedTarget]) -> Result<Preview, FaultError> {
        let does = if self.visible { "refuse packets" } else { "drop packets" }.to_owned();
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
        on_network::judge(if self.visible { "refused" } else { "dropped" }, false, before, now)
    }
}

#[cfg(test)]
mod tests;

//! Answers packets with a reset.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use steadfast_model::{
    Effect, InjectionId, Observation, Percent, Problems, ResolvedTarget,
    network::{Direction, NetworkFault, Peer, Ports, Traffic, Transport},
};

use crate::{
    Fault, FaultError, Preview,
    on_network::{self, Plan, check_packets, check_traffic},
    settings::{everything, share_of},
    world::{Injection, World},
};

/// Resets the TCP connections of a network namespace: new ones are refused, open ones end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NetworkReset {
    /// The share of packets that is answered with a reset, each by chance, at least 0.0001%; all when left out.
    #[serde(default = "everything")]
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
}

const KIND: &str = "networkReset";

impl NetworkReset {
    fn traffic(&self) -> Traffic {
        let Self { direction, peers, ports, .. } = self.clone();
        Traffic { direction, peers, ports, protocol: Some(Transport::Tcp) }
    }

    fn fault(&self) -> NetworkFault {
        NetworkFault::Reset { percent: self.percent }
    }
}

#[async_trait]
impl Fault for NetworkReset {
    fn check(&self, problems: &mut Problems) {
        check_packets(self.percent, problems);
        check_traffic(&self.peers, &self.ports, Some(Transport::Tcp), problems);
    }

    async fn preflight(&self, world: &dyn World, targets: &[ResolvedTarget]) -> Result<Preview, FaultError> {
        let does = format!("answer {} with a reset", share_of(self.percent, "packet", "packets"));
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
        on_network::judge("reset", false, before, now)
    }
}

#[cfg(test)]
mod tests;

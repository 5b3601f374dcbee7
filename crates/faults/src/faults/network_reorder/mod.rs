//! Lets packets overtake others.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use steadfast_model::{
    Duration, Effect, InjectionId, Observation, Percent, Problems, ResolvedTarget,
    network::{Direction, NetworkFault, Peer, Ports, Traffic, Transport},
};

use crate::{
    Fault, FaultError, Preview,
    on_network::{self, Plan, check_packets, check_traffic, room},
    settings::check_latency,
    world::{Injection, World},
};

/// Lets a share of the packets of a network namespace overtake the others, which are held.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NetworkReorder {
    /// The share that overtakes: of all, or with `gap` of those whose turn it is. At least 0.0001%.
    pub percent: Percent,
    /// Every so many packets it is the turn of one to overtake, by that chance; 1 when left out: always.
    #[serde(default = "always")]
    pub gap: u32,
    /// For how long the others are held, above zero and at most 1m.
    pub latency: Duration,
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
}

const KIND: &str = "networkReorder";
/// No packet waits longer.
const LONGEST: std::time::Duration = std::time::Duration::from_secs(60);

fn always() -> u32 {
    1
}

impl NetworkReorder {
    fn traffic(&self) -> Traffic {
        let Self { direction, peers, ports, protocol, .. } = self.clone();
        Traffic { direction, peers, ports, protocol }
    }

    fn fault(&self) -> NetworkFault {
        let Self { percent, gap, latency, .. } = *self;
        NetworkFault::Reorder { percent, gap, latency }
    }
}

#[async_trait]
impl Fault for NetworkReorder {
    fn check(&self, problems: &mut Problems) {
        check_packets(self.percent, problems);
        check_latency(self.latency, Duration::ZERO, problems);
        if self.latency.std() > LONGEST {
            let hint = "what overtakes by a millisecond has overtaken: write a short latency, such as 20ms";
            problems.error(&["latency"], "packets can wait for at most a minute", Some(hint));
        }
        if self.gap == 0 {
            let hint = "write gap: 1, or leave it out, for every packet";
            problems.error(&["gap"], "it is never the turn of a packet every 0 packets", Some(hint));
        }
        if self.gap == 1 && self.percent == Percent::ALL {
            let hint = "write a share below 100%, or a gap of 2 or more";
            problems.error(
                &["percent"],
                "when all packets go ahead, none is left to be overtaken",
                Some(hint),
            );
        }
        check_traffic(&self.peers, &self.ports, self.protocol, problems);
    }

    async fn preflight(&self, world: &dyn World, targets: &[ResolvedTarget]) -> Result<Preview, FaultError> {
        let whose = if self.gap > 1 { format!("one of {}", self.gap) } else { "all".to_owned() };
        let does = format!("hold packets for {}, but {} of {whose}", self.latency, self.percent);
        let (traffic, fault) = (self.traffic(), self.fault());
        let plan = Plan {
            kind: KIND,
            does,
            traffic: &traffic,
            fault: &fault,
            warnings: room(self.latency, "some are not held"),
        };
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
        on_network::judge("sent ahead", false, before, now)
    }
}

#[cfg(test)]
mod tests;

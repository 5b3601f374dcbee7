//! Holds packets.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use steadfast_model::{
    Duration, Problems,
    network::{Backend, Direction, NetworkFault, Peer, Ports, Traffic, Transport},
};

use crate::{
    on_network::{LONGEST_WAIT, PacketFault, packet_fault, room},
    settings::{check_latency, spread},
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

fn on_the_way_in() -> Direction {
    Direction::Ingress
}

impl PacketFault for NetworkDelay {
    const KIND: &'static str = "networkDelay";
    const TO_ALL: bool = true;

    fn check_settings(&self, problems: &mut Problems) {
        check_latency(self.latency, self.jitter, problems);
        if self.latency.std() + self.jitter.std() > LONGEST_WAIT {
            let hint =
                "a packet that is held for longer is as good as lost: take networkPartition or networkLoss";
            problems.error(
                &["latency"],
                "packets can wait for at most a minute, jitter included",
                Some(hint),
            );
        }
    }

    fn does(&self) -> String {
        format!("hold packets for {}", spread(self.latency, self.jitter))
    }

    fn done(&self) -> &'static str {
        "held"
    }

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

packet_fault!(NetworkDelay);

#[cfg(test)]
mod tests;

//! Changes a bit of packets.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use steadfast_model::{
    Percent, Problems,
    network::{Direction, NetworkFault, Peer, Ports, Traffic, Transport},
};

use crate::on_network::{PacketFault, check_packets, packet_fault};

/// Changes one bit of a share of the packets of a network namespace, each by chance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NetworkCorrupt {
    /// The share that is corrupted, at least 0.0001% and with that precision.
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
}

impl PacketFault for NetworkCorrupt {
    const KIND: &'static str = "networkCorrupt";

    fn check_settings(&self, problems: &mut Problems) {
        check_packets(self.percent, problems);
    }

    fn does(&self) -> String {
        format!("change a bit of {} of packets", self.percent)
    }

    fn done(&self) -> &'static str {
        "corrupted"
    }

    fn traffic(&self) -> Traffic {
        let Self { direction, peers, ports, protocol, .. } = self.clone();
        Traffic { direction, peers, ports, protocol }
    }

    fn fault(&self) -> NetworkFault {
        NetworkFault::Corrupt { percent: self.percent }
    }
}

packet_fault!(NetworkCorrupt);

#[cfg(test)]
mod tests;

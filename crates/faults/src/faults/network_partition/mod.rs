//! Drops packets.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use steadfast_model::{
    Problems,
    network::{Direction, NetworkFault, Peer, Ports, Traffic, Transport},
};

use crate::on_network::{PacketFault, packet_fault};

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

impl PacketFault for NetworkPartition {
    const KIND: &'static str = "networkPartition";

    fn check_settings(&self, _: &mut Problems) {}

    fn does(&self) -> String {
        if self.visible { "refuse packets" } else { "drop packets" }.to_owned()
    }

    fn done(&self) -> &'static str {
        if self.visible { "refused" } else { "dropped" }
    }

    fn traffic(&self) -> Traffic {
        let Self { direction, peers, ports, protocol, .. } = self.clone();
        Traffic { direction, peers, ports, protocol }
    }

    fn fault(&self) -> NetworkFault {
        NetworkFault::Partition { visible: self.visible }
    }
}

packet_fault!(NetworkPartition);

#[cfg(test)]
mod tests;

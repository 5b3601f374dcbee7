//! Answers packets with a reset.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use steadfast_model::{
    Percent, Problems,
    network::{Direction, NetworkFault, Peer, Ports, Traffic, Transport},
};

use crate::{
    on_network::{PacketFault, check_packets, packet_fault},
    settings::{everything, share_of},
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

impl PacketFault for NetworkReset {
    const KIND: &'static str = "networkReset";

    fn check_settings(&self, problems: &mut Problems) {
        check_packets(self.percent, problems);
    }

    fn does(&self) -> String {
        format!("answer {} with a reset", share_of(self.percent, "packet", "packets"))
    }

    fn done(&self) -> &'static str {
        "reset"
    }

    fn traffic(&self) -> Traffic {
        let Self { direction, peers, ports, .. } = self.clone();
        Traffic { direction, peers, ports, protocol: Some(Transport::Tcp) }
    }

    fn fault(&self) -> NetworkFault {
        NetworkFault::Reset { percent: self.percent }
    }
}

packet_fault!(NetworkReset);

#[cfg(test)]
mod tests;

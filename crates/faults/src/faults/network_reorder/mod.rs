//! Lets packets overtake others.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use steadfast_model::{
    Duration, Percent, Problems,
    network::{Direction, NetworkFault, Peer, Ports, Traffic, Transport},
};

use crate::{
    on_network::{LONGEST_WAIT, PacketFault, check_packets, packet_fault, room},
    settings::check_latency,
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

fn always() -> u32 {
    1
}

impl PacketFault for NetworkReorder {
    const KIND: &'static str = "networkReorder";

    fn check_settings(&self, problems: &mut Problems) {
        check_packets(self.percent, problems);
        check_latency(self.latency, Duration::ZERO, problems);
        if self.latency.std() > LONGEST_WAIT {
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
    }

    fn does(&self) -> String {
        let whose = if self.gap > 1 { format!("one of {}", self.gap) } else { "all".to_owned() };
        format!("hold packets for {}, but {} of {whose}", self.latency, self.percent)
    }

    fn done(&self) -> &'static str {
        "sent ahead"
    }

    fn traffic(&self) -> Traffic {
        let Self { direction, peers, ports, protocol, .. } = self.clone();
        Traffic { direction, peers, ports, protocol }
    }

    fn fault(&self) -> NetworkFault {
        let Self { percent, gap, latency, .. } = *self;
        NetworkFault::Reorder { percent, gap, latency }
    }

    fn warnings(&self) -> Vec<String> {
        room(self.latency, "some are not held")
    }
}

packet_fault!(NetworkReorder);

#[cfg(test)]
mod tests;

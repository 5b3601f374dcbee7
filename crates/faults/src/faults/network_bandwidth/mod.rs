//! Limits how fast packets go.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use steadfast_model::{
    ByteRate, ByteSize, Duration, Problems,
    network::{Direction, NetworkFault, Peer, Ports, Traffic, Transport},
};

use crate::on_network::{PacketFault, packet_fault};

/// Lets the packets of a network namespace go on no faster than a rate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NetworkBandwidth {
    /// How fast at most, each way by itself, all devices and connections together: 8kbit/s to 10Gbit/s.
    pub rate: ByteRate,
    /// How much may go at once after a pause; what 10ms at `rate` carry when left out, at least 3kB.
    #[serde(default)]
    pub burst: Option<ByteSize>,
    /// How much may wait, more is dropped; what 200ms at `rate` carry when left out, at least 64KiB and at most 64MiB.
    #[serde(default)]
    pub limit: Option<ByteSize>,
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

/// Below, a single packet takes longer than two seconds; above, the worker process is what is measured. In bits per second.
const RATES: std::ops::RangeInclusive<u64> = 8_000..=10_000_000_000;
/// Two packets of Ethernet.
const SMALLEST: u64 = 3_000;
/// More does not wait.
const LARGEST: u64 = 64 * 1024 * 1024;
/// One packet of TCP between devices of one machine.
const LEAST_WAITING: u64 = 64 * 1024;

impl PacketFault for NetworkBandwidth {
    const KIND: &'static str = "networkBandwidth";

    fn check_settings(&self, problems: &mut Problems) {
        if !RATES.contains(&self.rate.bits()) {
            let hint = "write a rate from 8kbit/s to 10Gbit/s";
            problems.error(&["rate"], format!("{} is not kept exactly", self.rate), Some(hint));
        }
        for (field, size) in [("burst", self.burst), ("limit", self.limit)] {
            if size.is_some_and(|size| !(SMALLEST..=LARGEST).contains(&size.bytes())) {
                let hint = "write a size from 3kB, two packets, to 64MiB, or leave it out";
                problems.error(&[field], "this is less than two packets, or more than may wait", Some(hint));
            }
        }
    }

    fn does(&self) -> String {
        format!("let packets go at {} at most", self.rate)
    }

    fn done(&self) -> &'static str {
        "slowed or dropped"
    }

    fn traffic(&self) -> Traffic {
        let Self { direction, peers, ports, protocol, .. } = self.clone();
        Traffic { direction, peers, ports, protocol }
    }

    fn fault(&self) -> NetworkFault {
        let in_time = |millis| self.rate.bytes_in(Duration::from_millis(millis).std());
        let size = |bytes: u64| ByteSize::new(bytes.min(LARGEST)).expect("64 MiB is a size");
        NetworkFault::Bandwidth {
            rate: self.rate,
            burst: self.burst.unwrap_or_else(|| size(in_time(10).max(SMALLEST))),
            limit: self.limit.unwrap_or_else(|| size(in_time(200).max(LEAST_WAITING))),
        }
    }
}

packet_fault!(NetworkBandwidth);

#[cfg(test)]
mod tests;

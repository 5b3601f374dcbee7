//! Network namespaces, the traffic a fault is narrowed to, and what a worker is told and answers.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    BootTime, ByteRate, ByteSize, Duration, InjectionId, Percent, files::CoverOrder,
    process::ProcessIdentity, stress::StressOrder,
};

mod names;
mod peer;
mod ports;

pub use names::{NameError, NameFault, is_meant};
pub use peer::Peer;
pub use ports::Ports;

/// A network namespace of one boot of one machine. Unlike an inode number, its cookie is never used twice.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NamespaceIdentity {
    /// `SO_NETNS_COOKIE` of socket(7).
    pub cookie: u64,
    /// The boot it belongs to.
    pub boot_id: String,
}

impl fmt::Display for NamespaceIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.cookie)
    }
}

/// Which way packets go, seen from the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Direction {
    /// Into the target.
    Ingress,
    /// Out of the target.
    Egress,
    /// Both.
    #[default]
    Both,
}

impl Direction {
    /// Whether packets into the target are meant.
    #[must_use]
    pub fn includes_ingress(self) -> bool {
        self != Self::Egress
    }

    /// Whether packets out of the target are meant.
    #[must_use]
    pub fn includes_egress(self) -> bool {
        self != Self::Ingress
    }
}

/// What packets carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Transport {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// ICMP and ICMPv6.
    Icmp,
}

/// Which packets a fault is narrowed to. An empty list and an absent field match everything; loopback never matches.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Traffic {
    /// Which way.
    pub direction: Direction,
    /// Addresses at the other end.
    pub peers: Vec<Peer>,
    /// TCP or UDP ports at either end.
    pub ports: Vec<Ports>,
    /// What they carry.
    pub protocol: Option<Transport>,
}

/// What disturbs packets, where there is a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Backend {
    /// `netem` where it is there and does all that is asked for, else `nftables`.
    #[default]
    Auto,
    /// The kernel's own network emulator, a queueing discipline at every device, for all that goes out.
    Netem,
    /// Tables of nftables, with a packet queue or TAP devices where packets are held.
    Nftables,
}

/// What happens to those packets: a map with one key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum NetworkFault {
    /// None gets through.
    Partition {
        /// Whether senders are told: connections refused and reset instead of silence.
        visible: bool,
    },
    /// Some get lost.
    Loss {
        /// Which share.
        percent: Percent,
        /// By what.
        #[serde(default)]
        backend: Backend,
    },
    /// All are held for a while.
    Delay {
        /// For how long.
        latency: Duration,
        /// Plus or minus up to this much, evenly spread.
        jitter: Duration,
        /// Whether a packet waits for those before it.
        keep_order: bool,
        /// Makes the jitter repeatable.
        seed: u64,
        /// By what.
        #[serde(default)]
        backend: Backend,
    },
    /// Some arrive twice.
    Duplicate {
        /// Which share.
        percent: Percent,
    },
    /// Some arrive with a bit changed, which the receiver's checksum finds.
    Corrupt {
        /// Which share.
        percent: Percent,
    },
    /// Some overtake all others, which are held for a while.
    Reorder {
        /// Which share of those whose turn it is.
        percent: Percent,
        /// Every so many packets it is the turn of one; at least 1.
        gap: u32,
        /// For how long the others are held.
        latency: Duration,
    },
    /// They go on no faster than a rate, each way by itself.
    Bandwidth {
        /// How fast, counted from the IP header on.
        rate: ByteRate,
        /// How much may go at once after a pause.
        burst: ByteSize,
        /// How much may wait; more is dropped.
        limit: ByteSize,
    },
    /// Some TCP packets are answered with a reset, and go no further.
    Reset {
        /// Which share.
        percent: Percent,
    },
    /// Some questions to DNS servers are met by us.
    Names {
        /// Patterns of the names asked for.
        names: Vec<String>,
        /// With what.
        then: NameFault,
    },
}

impl NetworkFault {
    /// By what it is done.
    #[must_use]
    pub fn backend(&self) -> Backend {
        match self {
            Self::Loss { backend, .. } | Self::Delay { backend, .. } => *backend,
            _ => Backend::Nftables,
        }
    }

    /// The same, done by this, where there is a choice.
    #[must_use]
    pub fn by(mut self, chosen: Backend) -> Self {
        if let Self::Loss { backend, .. } | Self::Delay { backend, .. } = &mut self {
            *backend = chosen;
        }
        self
    }

    /// Why `netem` cannot do this to these packets: a setting, and what it would have to be. `None` when it can.
    #[must_use]
    pub fn netem_cannot(&self, traffic: &Traffic) -> Option<(&'static str, &'static str)> {
        const LONGEST_JITTER: std::time::Duration = std::time::Duration::from_secs(2);
        if traffic.direction != Direction::Egress {
            return Some(("direction", "egress: it holds what goes out"));
        }
        if !traffic.peers.is_empty() {
            return Some(("peers", "left out: it takes everything that goes out"));
        }
        if !traffic.ports.is_empty() {
            return Some(("ports", "left out: it takes everything that goes out"));
        }
        if traffic.protocol.is_some() {
            return Some(("protocol", "left out: it takes everything that goes out"));
        }
        match self {
            Self::Delay { jitter, keep_order: true, .. } if !jitter.is_zero() => {
                Some(("keepOrder", "false: its jitter reorders packets"))
            }
            Self::Delay { seed: 1.., .. } => Some(("seed", "left out: its jitter cannot be repeated")),
            Self::Delay { jitter, .. } if jitter.std() > LONGEST_JITTER => Some(("jitter", "at most 2s")),
            Self::Delay { .. } | Self::Loss { .. } => None,
            Self::Partition { .. } | Self::Reset { .. } => Some(("backend", "left out: it cuts nobody off")),
            Self::Names { .. } => Some(("backend", "left out: it knows no names")),
            Self::Duplicate { .. } | Self::Corrupt { .. } | Self::Reorder { .. } | Self::Bandwidth { .. } => {
                Some(("backend", "left out: it does not count what it disturbs"))
            }
        }
    }
}

/// Names a disturbance of a namespace: the injection it belongs to and its number there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct DisturbanceId {
    /// The injection.
    pub injection: InjectionId,
    /// Counts the disturbances of that injection.
    pub number: u32,
}

impl DisturbanceId {
    /// The name of its nftables tables, which people see with `nft list tables`.
    #[must_use]
    pub fn table(&self) -> String {
        format!("{}{}", Self::tables_of(self.injection), self.number)
    }

    /// The handle of its queueing disciplines, which people see as `5fa1:` with `tc qdisc show`: from 1000 to 7fff, as the
    /// kernel gives out those above by itself.
    #[must_use]
    pub fn qdisc_of(injection: InjectionId) -> u16 {
        let [.., high, low] = injection.0.into_bytes();
        0x1000 + u16::from_be_bytes([high, low]) % 0x7000
    }

    /// What the names of all tables of an injection begin with.
    #[must_use]
    pub fn tables_of(injection: InjectionId) -> String {
        format!("steadfast_{}_", injection.0.simple())
    }
}

/// One line to a worker: a map with one key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum WorkerRequest {
    /// Put a disturbance in place and hold it. Asked once.
    Hold(Box<Disturbance>),
    /// Put load on this machine. Asked once, of a worker for that.
    Stress(Box<StressOrder>),
    /// Cover a directory. Asked once, of a worker for that.
    Cover(Box<CoverOrder>),
    /// Move the lease, and say whether all is well.
    Renew {
        /// The new lease.
        lease: BootTime,
    },
}

/// What a worker holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Disturbance {
    /// Its name.
    pub id: DisturbanceId,
    /// Where.
    pub namespace: NamespaceIdentity,
    /// A file that leads there. What is found must be the namespace that was meant.
    pub path: std::path::PathBuf,
    /// Which packets.
    pub traffic: Traffic,
    /// What happens to them.
    pub fault: NetworkFault,
    /// The worker ends at this instant, whatever happens.
    pub deadline: BootTime,
    /// The worker ends at this instant unless it is renewed before.
    pub lease: BootTime,
}

/// The answer of a worker, one line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum WorkerAnswer {
    /// The first line: it is there and has changed nothing yet.
    Ready {
        /// Which process.
        identity: ProcessIdentity,
    },
    /// Done.
    Done {},
    /// Not done, and nothing is held: it ends now.
    Refused {
        /// Why: a fragment after "failed to".
        message: String,
        /// Whether a privilege is missing.
        denied: bool,
        /// Whether this kernel does not offer it.
        missing: bool,
    },
}

/// What is in place in a network namespace, and what the kernel counted. Counters only grow while a disturbance lives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NetworkStatus {
    /// Which namespace.
    pub namespace: NamespaceIdentity,
    /// What is in place.
    pub disturbances: Vec<DisturbanceStatus>,
}

/// More packets than this do not wait in a delay: they go on at once.
pub const MOST_WAITING: u32 = 16_384;

/// A disturbance in place. Of names, it is questions that are counted, not packets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DisturbanceStatus {
    /// The name of its table.
    pub table: String,
    /// Packets that matched; all questions.
    pub seen: u64,
    /// What was disturbed of that: dropped, refused, held, or what else the fault does.
    pub hits: u64,
}

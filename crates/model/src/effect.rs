//! What was seen of a fault from outside, and what that says.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    cgroup::CpuGroup,
    files::CoverStatus,
    network::{NamespaceIdentity, NetworkStatus},
    process::{ProcessIdentity, ProcessState},
    proxy::ProxyStatus,
    skew::ClockStatus,
    stress::StressStatus,
};

/// What was seen of every target at one moment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Observation {
    /// One entry a target, in their order.
    pub targets: Vec<Sighting>,
}

/// What was seen of one target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Sighting {
    /// A process and what it does.
    Process {
        /// Which process.
        identity: ProcessIdentity,
        /// Its state.
        state: ProcessState,
    },
    /// A proxy and its counters.
    Proxy(Box<ProxyStatus>),
    /// A network namespace, and what is in place in it.
    Network(Box<NetworkStatus>),
    /// A network namespace is gone, with all that was in it.
    NamespaceGone {
        /// Which.
        namespace: NamespaceIdentity,
    },
    /// A machine, and what workers do to it.
    Host(Box<StressStatus>),
    /// The cgroup that limits the CPU time of a process.
    CpuGroup(Box<CpuGroup>),
    /// A process, and whether it is told the wrong time.
    Clocks(Box<ClockStatus>),
    /// What covers the files that a process uses.
    Files(Box<CoverStatus>),
    /// The target could not be looked at.
    Unseen {
        /// Why.
        why: String,
    },
}

impl Sighting {
    /// What was seen, as people call it: `proxy risk`, `a machine`.
    #[must_use]
    pub fn thing(&self) -> String {
        match self {
            Self::Process { identity, .. } => format!("process {identity}"),
            Self::Proxy(status) => format!("proxy {}", status.name),
            Self::Network(_) | Self::NamespaceGone { .. } => "a network namespace".to_owned(),
            Self::Host(_) => "a machine".to_owned(),
            Self::CpuGroup(_) => "a cgroup".to_owned(),
            Self::Clocks(status) => format!("the clocks of process {}", status.identity),
            Self::Files(_) => "the files of a process".to_owned(),
            Self::Unseen { .. } => "nothing".to_owned(),
        }
    }
}

/// Whether a fault is in effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Effect {
    /// It is in place and has been seen to disturb something.
    Active {
        /// What was seen.
        evidence: String,
    },
    /// It is in place, but nothing has come by for it to disturb.
    Idle {
        /// What is missing.
        why: String,
    },
    /// It is not in place.
    Absent {
        /// What was seen.
        evidence: String,
    },
    /// It cannot be told.
    Unknown {
        /// Why.
        why: String,
    },
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Active { evidence } => write!(f, "in effect: {evidence}"),
            Self::Idle { why } => write!(f, "in place, nothing seen: {why}"),
            Self::Absent { evidence } => write!(f, "not in place: {evidence}"),
            Self::Unknown { why } => write!(f, "cannot be told: {why}"),
        }
    }
}

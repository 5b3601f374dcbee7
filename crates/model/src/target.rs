//! What a fault is put into: as written, and as found on the machine.

use std::{fmt, path::PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{network::NamespaceIdentity, process::ProcessIdentity, proxy::Protocol};

mod containers;
mod processes;
mod selection;

pub use containers::{ContainerMatch, ContainerTarget, Inhabitants};
pub use processes::{ProcessMatch, ProcessTarget};
pub use selection::Selection;

/// A target as a document names it: a map with one key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Target {
    /// Processes of this machine.
    Process(Box<ProcessTarget>),
    /// Containers of this machine, by their processes.
    Container(Box<ContainerTarget>),
    /// A service by name; the binding says which processes it is.
    Service(String),
    /// The traffic one service sends to another; the binding says which proxy carries it.
    Connection(Connection),
    /// A fault proxy.
    Proxy(ProxyTarget),
    /// A network namespace of this machine.
    Netns(NetnsTarget),
    /// This machine itself.
    Host(HostTarget),
}

/// A directed edge between two services.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Connection {
    /// The service that calls.
    pub from: String,
    /// The service that is called.
    pub to: String,
}

/// Picks a proxy: by its name in the binding, or by its control socket. Exactly one of the fields is given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProxyTarget {
    /// Name in the binding document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Path of the proxy's control socket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control: Option<PathBuf>,
}

/// Picks a network namespace: by its name below `/run/netns`, or by a process in it. Exactly one of the fields is given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NetnsTarget {
    /// Its name, as `ip netns list` shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The number of a process in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
}

/// Picks this machine. It has no fields yet: `host: {}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HostTarget {}

/// A target after resolution, with what makes it that very thing and no other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ResolvedTarget {
    /// A process.
    Process(ResolvedProcess),
    /// A running proxy.
    Proxy(ResolvedProxy),
    /// A network namespace.
    Netns(ResolvedNamespace),
    /// The machine itself.
    Host(ResolvedHost),
}

/// A process found on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResolvedProcess {
    /// Which process.
    pub identity: ProcessIdentity,
    /// Its short name, for people.
    pub command: String,
    /// The service it was found for, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The container it was found for, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
}

/// A proxy found on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResolvedProxy {
    /// Its name.
    pub name: String,
    /// Its control socket.
    pub control: PathBuf,
    /// The process behind the socket when it was resolved.
    pub identity: ProcessIdentity,
    /// Where it listens.
    pub listen: String,
    /// Where it sends to.
    pub upstream: String,
    /// What it understands.
    pub protocol: Protocol,
}

/// A network namespace found on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResolvedNamespace {
    /// Which namespace.
    pub identity: NamespaceIdentity,
    /// A file that leads there; another namespace may be behind it later.
    pub path: PathBuf,
    /// What people call it: its name, or a process in it.
    pub title: String,
}

/// A machine since it last booted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResolvedHost {
    /// The boot. After the next one nothing of what was done to it is left.
    pub boot_id: String,
    /// What people call it.
    pub name: String,
}

impl ResolvedProcess {
    /// A process that was found by itself.
    #[must_use]
    pub fn new(identity: ProcessIdentity, command: impl Into<String>) -> Self {
        Self { identity, command: command.into(), service: None, container: None }
    }
}

impl ResolvedTarget {
    /// The key under which a live injection holds this target, for conflicts: `process:4711`, `proxy:payments-risk`.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Process(process) => {
                format!("process:{}@{}", process.identity.pid, process.identity.start_time)
            }
            Self::Proxy(proxy) => format!("proxy:{}", proxy.control.display()),
            Self::Netns(namespace) => format!("netns:{}", namespace.identity),
            Self::Host(host) => format!("host:{}", host.boot_id),
        }
    }
}

impl From<ProcessTarget> for Target {
    fn from(process: ProcessTarget) -> Self {
        Self::Process(Box::new(process))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process(process) => process.fmt(f),
            Self::Container(container) => container.fmt(f),
            Self::Service(name) => write!(f, "service {name}"),
            Self::Connection(edge) => write!(f, "connection {} -> {}", edge.from, edge.to),
            Self::Proxy(ProxyTarget { name: Some(name), .. }) => write!(f, "proxy {name}"),
            Self::Proxy(ProxyTarget { control: Some(path), .. }) => write!(f, "proxy at {}", path.display()),
            Self::Proxy(_) => f.write_str("proxy"),
            Self::Netns(NetnsTarget { name: Some(name), .. }) => write!(f, "network namespace {name}"),
            Self::Netns(NetnsTarget { pid: Some(pid), .. }) => {
                write!(f, "network namespace of process {pid}")
            }
            Self::Netns(_) => f.write_str("network namespace"),
            Self::Host(_) => f.write_str("this machine"),
        }
    }
}

impl fmt::Display for ResolvedTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process(process) => {
                let (pid, command) = (process.identity.pid, &process.command);
                match (&process.service, &process.container) {
                    (Some(service), _) => write!(f, "{service} (process {pid}, {command})"),
                    (None, Some(container)) => write!(f, "container {container} (process {pid}, {command})"),
                    (None, None) => write!(f, "process {pid} ({command})"),
                }
            }
            Self::Proxy(proxy) => write!(f, "proxy {} ({} -> {})", proxy.name, proxy.listen, proxy.upstream),
            Self::Netns(namespace) => write!(f, "network namespace {}", namespace.title),
            Self::Host(host) => write!(f, "machine {}", host.name),
        }
    }
}

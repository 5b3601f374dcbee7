//! Why a proxy could not start.

use std::{io, net::SocketAddr, path::PathBuf};

/// Why a proxy could not start or go on. Messages are fragments after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// The address is taken or not ours.
    #[error("listen on {address}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// The cause.
        source: io::Error,
    },
    /// The address can be reached from other machines and that was not asked for.
    #[error("listen on {address}: other machines could reach it")]
    Remote {
        /// The address asked for.
        address: SocketAddr,
    },
    /// The upstream is not `host:port`.
    #[error("read the upstream `{upstream}`: it is not host:port")]
    Upstream {
        /// What was given.
        upstream: String,
    },
    /// The upstream is this proxy: every connection would make another.
    #[error("send from {address} to itself")]
    Circle {
        /// Where it listens and would send to.
        address: SocketAddr,
    },
    /// The control path does not fit into a socket address.
    #[error("make the control socket {}: the path has {length} bytes, a Unix socket takes at most {limit}", path.display())]
    ControlTooLong {
        /// The path asked for.
        path: PathBuf,
        /// Its length in bytes.
        length: usize,
        /// The most a socket address takes.
        limit: usize,
    },
    /// Others could reach the control socket.
    #[error("make the control socket {}: its directory has mode {mode:o} and owner {owner}", path.display())]
    ControlExposed {
        /// The path asked for.
        path: PathBuf,
        /// Permissions of its directory.
        mode: u32,
        /// Owner of its directory.
        owner: u32,
    },
    /// A proxy answers there already.
    #[error("make the control socket {}: a living proxy holds it", path.display())]
    ControlInUse {
        /// The path asked for.
        path: PathBuf,
    },
    /// Something that is not a socket is in the way, or the directory cannot be used.
    #[error("make the control socket {}", path.display())]
    Control {
        /// The path asked for.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A file for TLS cannot be used.
    #[error("use {} for TLS: {why}", path.display())]
    Tls {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
        /// What to try next.
        hint: String,
    },
    /// No certificate can have this name.
    #[error("speak TLS with `{name}`: it is neither a host name nor an address")]
    ServerName {
        /// What was given.
        name: String,
    },
    /// Nothing tells the right server from another.
    #[error("speak TLS with the upstream: this machine trusts no certificates")]
    NoTrust,
    /// The kernel gives no timer.
    #[error("make a timer")]
    Timer {
        /// The cause.
        source: io::Error,
    },
}

impl ProxyError {
    /// What to try next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Listen { address, source } if source.kind() == io::ErrorKind::AddrInUse => Some(format!(
                "another process holds port {}: `ss -ltnp 'sport = :{}'` shows it; or listen on port 0 for a free one",
                address.port(),
                address.port()
            )),
            Self::Listen { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                Some("ports below 1024 need privilege: take a higher one".to_owned())
            }
            Self::Listen { source, .. } if source.kind() == io::ErrorKind::AddrNotAvailable => {
                Some("the address is not one of this machine's".to_owned())
            }
            Self::Remote { .. } => Some("listen on 127.0.0.1, or allow remote clients explicitly".to_owned()),
            Self::Upstream { .. } => Some("write it like 127.0.0.1:8080 or risk.internal:80".to_owned()),
            Self::Circle { .. } => Some("listen on another port than the service's".to_owned()),
            Self::ControlTooLong { .. } => Some("choose a shorter state directory".to_owned()),
            Self::ControlExposed { path, .. } => {
                let directory = path.parent().map(|parent| parent.display().to_string()).unwrap_or_default();
                Some(format!("own it and close it to others: chmod 700 {directory}"))
            }
            Self::Tls { hint, .. } => (!hint.is_empty()).then(|| hint.clone()),
            Self::NoTrust => Some(
                "name the file of the authority that signed the server's certificate, or install ca-certificates"
                    .to_owned(),
            ),
            Self::ControlInUse { .. } => Some("shut that proxy down first, or use another path".to_owned()),
            _ => None,
        }
    }
}

//! What a proxy is started with, and how much it will take on.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use steadfast_model::{ProcessIdentity, proxy::Protocol};

use crate::Tls;

/// Everything a proxy needs to know to start.
///
/// With [`Protocol::Http`] a client that begins with the preface of HTTP/2 is spoken to in it, and so is its server, each
/// request on a stream of its own; fields of a connection alone are left out there, as the version demands, and a `CONNECT`
/// is carried, but none for another protocol (RFC 8441). A client that begins with TLS is carried unread, unless the proxy has
/// a certificate of its own. With HTTP/1.1 a request without faults keeps its method, target, header names with their case, header
/// values, header order (repeated names are put together) and body. `Connection`, `Keep-Alive` and `Upgrade` pass
/// unchanged, because one client connection has one upstream connection and both end together; the body is framed
/// anew. Interim answers other than `100 Continue` are not passed on.
#[derive(Debug, Clone)]
pub struct ProxyConfig {
    /// What people call it, such as `payments-risk`.
    pub name: String,
    /// Where to listen. Port 0 takes a free port.
    pub listen: SocketAddr,
    /// Where to send to: `host:port`. A name is looked up for every connection.
    pub upstream: String,
    /// How much of the bytes to understand.
    pub protocol: Protocol,
    /// The path of the control socket: at most 107 bytes, in a directory only its owner can enter (made when missing).
    /// Without one only this process gives orders, through a [`crate::Handle`].
    pub control: Option<PathBuf>,
    /// This process, as the status tells it.
    pub identity: ProcessIdentity,
    /// How it speaks TLS.
    pub tls: Tls,
    /// Whether `listen` may be anything but a loopback address.
    pub allow_remote: bool,
    /// How much to take on.
    pub limits: Limits,
}

/// How much a proxy takes on before it says no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once; one more is reset at accept. Default 10,000.
    pub connections: u64,
    /// Rules at once; one more is refused. Default 100.
    pub rules: usize,
    /// Removed rule ids remembered; the oldest is forgotten first. Default 100,000.
    pub removed: usize,
    /// Control connections at once; one more is closed. Default 64.
    pub control: usize,
    /// How long an HTTP client may take from the first to the last byte of a request's head. Default 30 s.
    pub head: Duration,
    /// Bytes that all connections together hold back, about; what is beyond is not read before others leave. Default 256 MiB.
    pub held: usize,
    /// How long connecting to the upstream may take. Default 10 s.
    pub connect: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            rules: 100,
            removed: 100_000,
            control: 64,
            head: Duration::from_secs(30),
            held: 256 * 1024 * 1024,
            connect: Duration::from_secs(10),
        }
    }
}

//! From the name of a host to its addresses, without the C library.
//!
//! A static program has no `getaddrinfo` to rely on: glibc loads parts of it at run time, from the very machine that a
//! static program wants nothing from. So every connection by name is made here, and nowhere else.
//!
//! In this order, the first that knows the name answers:
//!
//! 1. an address is its own answer;
//! 2. `/etc/hosts`;
//! 3. `localhost` and names below it are this machine (RFC 6761);
//! 4. the DNS servers of `/etc/resolv.conf`, with its `search`, `ndots`, `timeout` and `attempts`.
//!
//! Both files may be missing, and both are read anew for every name: nothing is cached, so that a fault in names is felt
//! at once and an edit counts. `/etc/nsswitch.conf` is not read: what only mDNS, LDAP or a local daemon knows is unknown
//! here, unless a DNS server says it too. Addresses that this machine has no route to come last, others in the order in
//! which they were found, IPv6 first.
//!
//! [`message`] is for who answers such questions instead of asking them.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

use tokio::net::TcpStream;

mod dns;
mod hosts;
pub mod message;
mod route;

/// Files as large as this are read, no further: 1 MiB.
const LONGEST_FILE: u64 = 1 << 20;

/// Where names are looked up.
#[derive(Debug, Clone)]
pub struct Names {
    hosts: PathBuf,
    resolv_conf: PathBuf,
    /// Where DNS servers listen.
    dns_port: u16,
}

impl Default for Names {
    /// The files of this machine.
    fn default() -> Self {
        Self { hosts: "/etc/hosts".into(), resolv_conf: "/etc/resolv.conf".into(), dns_port: 53 }
    }
}

impl Names {
    /// The addresses of a host, best first: at least one. Brackets around an IPv6 address are fine.
    ///
    /// # Errors
    /// When nobody knows the name ([`io::ErrorKind::NotFound`]), or whoever might did not answer.
    pub async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if let Ok(address) = bare.parse() {
            return Ok(vec![address]);
        }
        let name = bare.strip_suffix('.').unwrap_or(bare).to_ascii_lowercase();
        let mut found = hosts::find(&self.hosts, &name)?;
        if found.is_empty() && is_localhost(&name) {
            found = vec![[0, 0, 0, 0, 0, 0, 0, 1].into(), [127, 0, 0, 1].into()];
        }
        if found.is_empty() {
            found = dns::find(&self.resolv_conf, self.dns_port, bare).await?;
        }
        route::best_first(&mut found);
        Ok(found)
    }

    /// Connects to the first address of a host that answers.
    ///
    /// # Errors
    /// As [`Names::addresses`]; else what the last address said.
    pub async fn connect(&self, host: &str, port: u16) -> io::Result<TcpStream> {
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no addresses");
        for address in self.addresses(host).await? {
            match TcpStream::connect(SocketAddr::new(address, port)).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

/// Connects to a host by its name or address, as this machine knows it.
///
/// # Errors
/// As [`Names::connect`].
pub async fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    Names::default().connect(host, port).await
}

/// The same for `HOST:PORT`.
///
/// # Errors
/// As [`connect`], and when there is no port.
pub async fn connect_to(authority: &str) -> io::Result<TcpStream> {
    let (host, port) = split(authority).ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidInput, format!("`{authority}` is not HOST:PORT"))
    })?;
    connect(host, port).await
}

fn split(authority: &str) -> Option<(&str, u16)> {
    let (host, port) = authority.rsplit_once(':')?;
    Some((host, port.parse().ok()?)).filter(|(host, _)| !host.is_empty())
}

fn is_localhost(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}

/// A file, as much of it as is read; nothing when there is none.
fn read(path: &std::path::Path) -> io::Result<Option<Vec<u8>>> {
    use std::io::Read as _;

    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(io::Error::new(error.kind(), format!("{} cannot be read: {error}", path.display())));
        }
    };
    let mut bytes = Vec::new();
    file.take(LONGEST_FILE).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests;

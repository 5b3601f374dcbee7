//! Where a proxy listens, as clients write it.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use steadfast_names::Names;

use crate::refusal::Refusal;

/// How long looking up the host of an address may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// The address behind `HOST:PORT`. No host is every address of this machine if other machines may come, else loopback; no
/// text at all is a free port there.
pub(crate) async fn address(text: &str, allow_remote: bool) -> Result<SocketAddr, Refusal> {
    let anywhere = if allow_remote { Ipv4Addr::UNSPECIFIED } else { Ipv4Addr::LOCALHOST };
    if text.is_empty() {
        return Ok((anywhere, 0).into());
    }
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let wrong = |why: &str| Refusal::body(format!("`listen: {text}` {why}"));
    let (host, port) = text.rsplit_once(':').ok_or_else(|| wrong("has no port: write HOST:PORT"))?;
    let port: u16 = port.parse().map_err(|_| wrong("has no port from 0 to 65535"))?;
    if host.is_empty() {
        return Ok((anywhere, port).into());
    }
    let found = tokio::time::timeout(PATIENCE, Names::default().addresses(host)).await;
    let found = match found {
        Ok(found) => found.map_err(|error| wrong(&format!("names no address: {error}")))?,
        Err(_) => return Err(wrong("names no address: nobody answered in time")),
    };
    // As Go does: `localhost` is 127.0.0.1 for clients that compare texts.
    let best = found.iter().find(|address| address.is_ipv4()).or(found.first());
    let ip: IpAddr = *best.ok_or_else(|| wrong("names no address"))?;
    Ok((ip, port).into())
}

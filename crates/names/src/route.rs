//! Which addresses this machine can reach at all.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// Puts addresses without a route last and leaves the order of the others alone (RFC 6724, rule 1).
pub(crate) fn best_first(addresses: &mut [IpAddr]) {
    if addresses.len() > 1 {
        addresses.sort_by_cached_key(|address| !has_route(*address));
    }
}

/// A datagram socket that is connected asks the kernel for a route and sends nothing.
fn has_route(address: IpAddr) -> bool {
    let any: IpAddr = match address {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    // The port stands for none: nothing is sent to it.
    UdpSocket::bind((any, 0)).and_then(|socket| socket.connect(SocketAddr::new(address, 9))).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_reached_comes_last() {
        // A datagram to everybody needs a permission that this socket does not have: there is no way.
        let mut addresses = ["255.255.255.255".parse().unwrap(), "127.0.0.1".parse().unwrap()];
        best_first(&mut addresses);
        assert_eq!(addresses[0], IpAddr::from([127, 0, 0, 1]));
    }
}

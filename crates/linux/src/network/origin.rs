//! Where a connection was meant to go before a rule of ours led it away: connection tracking knows.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use rustix::{io::Errno, net::RecvFlags};
use steadfast_model::network::Transport;

use super::{
    netlink::{Attributes, Message, Netlink, attribute, parts},
    plan::transport_number,
};
use crate::LinuxError;

/// `NFNL_SUBSYS_CTNETLINK` and `IPCTNL_MSG_CT_GET` of linux/netfilter/nfnetlink_conntrack.h.
const GET: u16 = 1 << 8 | 1;
/// Attributes of a connection: how it began, how answers to it look, and the zone it is in.
const ORIGINAL: u16 = 1;
const REPLY: u16 = 2;
const ZONE: u16 = 18;
/// Attributes of such a tuple: addresses, and what is in the header of the transport.
const ADDRESSES: u16 = 1;
const TRANSPORT: u16 = 2;
/// What the kernel says of a connection is some hundred bytes long.
const LONGEST: usize = 4096;

/// Asks connection tracking in this thread's network namespace.
#[derive(Debug)]
pub struct Origins {
    socket: Netlink,
}

impl Origins {
    pub(super) fn open() -> Result<Self, LinuxError> {
        let mut origins = Self { socket: Netlink::open()? };
        let nobody = SocketAddr::from(([127, 0, 0, 1], 9));
        match origins.look(Transport::Udp, nobody, nobody) {
            Ok(_) | Err(Errno::NOENT) => Ok(origins),
            Err(Errno::INVAL | Errno::OPNOTSUPP | Errno::PROTONOSUPPORT) => {
                Err(LinuxError::Missing { what: "ask connection tracking (nf_conntrack_netlink)".to_owned() })
            }
            Err(errno) => Err(LinuxError::call("ask connection tracking", errno)),
        }
    }

    /// Where `client`, which has come to `ours`, wanted to go.
    ///
    /// # Errors
    /// [`LinuxError::Gone`] when nothing has led it here.
    pub fn find(
        &mut self,
        transport: Transport,
        client: SocketAddr,
        ours: SocketAddr,
    ) -> Result<SocketAddr, LinuxError> {
        let what = || "tell where a connection was meant to go".to_owned();
        match self.look(transport, client, ours) {
            Ok(Some(found)) => Ok(found),
            Ok(None) | Err(Errno::NOENT) => Err(LinuxError::Gone { what: what() }),
            Err(errno) => Err(LinuxError::call(what(), errno)),
        }
    }

    /// By what answers look like: that is the side we see. The zone has the number of the port.
    fn look(
        &mut self,
        transport: Transport,
        client: SocketAddr,
        ours: SocketAddr,
    ) -> Result<Option<SocketAddr>, Errno> {
        let (kinds, family) = match client {
            SocketAddr::V4(_) => ([1, 2], 2),
            SocketAddr::V6(_) => ([3, 4], 10),
        };
        let addresses =
            Attributes::new().bytes(kinds[0], &octets(ours.ip())).bytes(kinds[1], &octets(client.ip()));
        let header = Attributes::new()
            .bytes(1, &[transport_number(transport)])
            .bytes(2, &ours.port().to_be_bytes())
            .bytes(3, &client.port().to_be_bytes());
        let reply = Attributes::new().nest(ADDRESSES, addresses).nest(TRANSPORT, header);
        let attributes = Attributes::new().nest(REPLY, reply).bytes(ZONE, &ours.port().to_be_bytes());
        let asked = self.socket.send(&[Message { kind: GET, flags: 0, family, resource: 0, attributes }])?;
        let mut buffer = [0; LONGEST];
        loop {
            let length = self.socket.receive(&mut buffer, RecvFlags::empty())?;
            let Some(part) = parts(&buffer[..length]).find(|part| part.sequence == asked) else { continue };
            return match part.error() {
                Some(errno) => Err(Errno::from_raw_os_error(errno)),
                None => Ok(destination(part.attributes())),
            };
        }
    }
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(four) => four.octets().to_vec(),
        IpAddr::V6(six) => six.octets().to_vec(),
    }
}

/// Where the first packet of a connection was sent.
fn destination(connection: &[u8]) -> Option<SocketAddr> {
    let original = attribute(connection, ORIGINAL)?;
    let (addresses, header) = (attribute(original, ADDRESSES)?, attribute(original, TRANSPORT)?);
    let port = u16::from_be_bytes(*attribute(header, 3)?.first_chunk()?);
    let address = match (attribute(addresses, 2), attribute(addresses, 4)) {
        (Some(four), _) => IpAddr::from(*four.first_chunk::<4>()?),
        (None, Some(six)) => Ipv6Addr::from(*six.first_chunk::<16>()?).into(),
        (None, None) => return None,
    };
    Some(SocketAddr::new(address, port))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_destination_is_that_of_the_original_direction() {
        let tuple = |kind: u16, to: &[u8], port: u16| {
            let header = Attributes::new().bytes(1, &[17]).bytes(3, &port.to_be_bytes());
            Attributes::new().nest(ADDRESSES, Attributes::new().bytes(kind, to)).nest(TRANSPORT, header)
        };
        let both = Attributes::new()
            .nest(REPLY, tuple(2, &[10, 0, 0, 1], 40_000))
            .nest(ORIGINAL, tuple(2, &[10, 0, 0, 2], 53));
        assert_eq!(destination(both.as_bytes()), Some(SocketAddr::from(([10, 0, 0, 2], 53))));
        let six = Attributes::new().nest(ORIGINAL, tuple(4, &[0; 16], 53));
        assert_eq!(destination(six.as_bytes()), Some(SocketAddr::from(([0_u16; 8], 53))));
    }

    proptest! {
        #[test]
        fn whatever_the_kernel_says_is_read_without_a_panic(bytes: Vec<u8>) {
            let _: Option<SocketAddr> = destination(&bytes);
        }
    }
}

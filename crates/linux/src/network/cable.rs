//! A cable between two network namespaces, laid by messages of rtnetlink(7): no program has to be installed for it.

use std::net::Ipv4Addr;

use rustix::io::Errno;

use super::{
    device::{number_of, wait_until_it_carries},
    namespace::Namespace,
    netlink::{Attributes, CREATE, EXCLUSIVE, Netlink},
};
use crate::LinuxError;

/// Message types of linux/rtnetlink.h.
const NEW_LINK: u16 = 16;
const NEW_ADDRESS: u16 = 20;
const NEW_NEIGHBOUR: u16 = 28;
/// `enum` of `IFLA_` in linux/if_link.h, and of `VETH_INFO_` in linux/veth.h.
const LINK_ADDRESS: u16 = 1;
const LINK_NAME: u16 = 3;
const LINK_INFO: u16 = 18;
const LINK_NAMESPACE: u16 = 28;
const LINK_FAMILIES: u16 = 26;
const INFO_KIND: u16 = 1;
const INFO_DATA: u16 = 2;
const VETH_PEER: u16 = 1;
/// `enum` of `IFA_` in linux/if_addr.h.
const ADDRESS: u16 = 1;
const ADDRESS_LOCAL: u16 = 2;
/// `enum` of `NDA_` in linux/neighbour.h, and its `NUD_PERMANENT`.
const NEIGHBOUR: u16 = 1;
const NEIGHBOUR_LINK: u16 = 2;
const PERMANENT: u16 = 0x80;

/// `IFLA_INET6_ADDR_GEN_MODE` of linux/if_link.h, and its `IN6_ADDR_GEN_MODE_NONE`.
const ADDRESS_MODE: u16 = 8;
const NO_ADDRESS: u8 = 1;

const IPV4: u8 = 2;
const IPV6: u16 = 10;
const UP: u32 = 1;

/// One end of a cable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CableEnd<'a> {
    /// The name of its device, at most 15 bytes.
    pub device: &'a str,
    /// Its address, and how many bits of it both ends have in common.
    pub address: (Ipv4Addr, u8),
    /// Its hardware address; the lowest bit of the first byte is 0 and the next one is 1, as nobody has assigned it.
    pub hardware: [u8; 6],
}

/// Lays a cable from this thread's namespace to another. Both ends are switched on and know each other from the start,
/// so that no packet waits until an address is found.
///
/// # Errors
/// [`LinuxError::Denied`] when this user may not, [`LinuxError::Missing`] when the kernel has no `veth`. A cable that is
/// half laid goes with the namespaces.
pub fn lay_cable(here: &CableEnd<'_>, there: &CableEnd<'_>, into: &Namespace) -> Result<(), LinuxError> {
    let failed = |errno| match errno {
        // The kernel looks for a module of that name and finds none.
        Errno::OPNOTSUPP => LinuxError::Missing { what: "lay a cable (veth)".to_owned() },
        errno => LinuxError::call("lay a cable", errno),
    };
    let mut peer = link(0, 0);
    let namespace = into.descriptor().to_ne_bytes();
    peer.extend_from_slice(there.attributes().bytes(LINK_NAMESPACE, &namespace).as_bytes());
    let data = Attributes::new().bytes(VETH_PEER, &peer);
    let info = Attributes::new().text(INFO_KIND, "veth").nest(INFO_DATA, data);
    let mut message = link(0, 0);
    message.extend_from_slice(here.attributes().nest(LINK_INFO, info).as_bytes());
    Netlink::open_route()?.ask_route(NEW_LINK, CREATE | EXCLUSIVE, &message).map_err(failed)?;
    into.inside(|| plug_in(there, here))??;
    plug_in(here, there)?;
    // The end that was switched on first learns a moment later that the other is there too.
    into.inside(|| wait_until_it_carries(there.device))?
}

/// Switches on a device of this thread's namespace.
pub(super) fn switch_on(device: &str) -> Result<(), LinuxError> {
    let failed = |errno| LinuxError::call(format!("switch on device {device}"), errno);
    Netlink::open_route()?.ask_route(NEW_LINK, 0, &link(number_of(device)?, UP)).map_err(failed)
}

/// Keeps IPv6 from giving a device of this thread's namespace an address of its own when it is switched on, and from
/// asking by it whether others have that.
pub(super) fn give_no_address(device: u32) -> Result<(), LinuxError> {
    let mode = Attributes::new().bytes(ADDRESS_MODE, &[NO_ADDRESS]);
    let attributes = Attributes::new().nest(LINK_FAMILIES, Attributes::new().nest(IPV6, mode));
    let message = [link(device, 0).as_slice(), attributes.as_bytes()].concat();
    let failed = |errno| LinuxError::call("keep a device without addresses", errno);
    Netlink::open_route()?.ask_route(NEW_LINK, 0, &message).map_err(failed)
}

/// Gives an end of this thread's namespace its address, switches it on, and makes the other known to it.
fn plug_in(own: &CableEnd<'_>, other: &CableEnd<'_>) -> Result<(), LinuxError> {
    let failed = |errno| LinuxError::call(format!("plug in {}", own.device), errno);
    let number = number_of(own.device)?;
    let mut socket = Netlink::open_route()?;
    let (address, prefix) = own.address;
    // `struct ifaddrmsg`: family, length of the prefix, flags, scope, device.
    let mut message = vec![IPV4, prefix, 0, 0];
    message.extend_from_slice(&number.to_ne_bytes());
    let bytes = address.octets();
    let attributes = Attributes::new().bytes(ADDRESS_LOCAL, &bytes).bytes(ADDRESS, &bytes);
    message.extend_from_slice(attributes.as_bytes());
    socket.ask_route(NEW_ADDRESS, CREATE | EXCLUSIVE, &message).map_err(failed)?;
    switch_on(own.device)?;
    // `struct ndmsg`: family and padding, device, state, flags, type.
    let mut message = vec![IPV4, 0, 0, 0];
    message.extend_from_slice(&number.to_ne_bytes());
    message.extend_from_slice(&PERMANENT.to_ne_bytes());
    message.extend_from_slice(&[0, 0]);
    let attributes =
        Attributes::new().bytes(NEIGHBOUR, &other.address.0.octets()).bytes(NEIGHBOUR_LINK, &other.hardware);
    message.extend_from_slice(attributes.as_bytes());
    socket.ask_route(NEW_NEIGHBOUR, CREATE | EXCLUSIVE, &message).map_err(failed)
}

impl CableEnd<'_> {
    fn attributes(&self) -> Attributes {
        Attributes::new().text(LINK_NAME, self.device).bytes(LINK_ADDRESS, &self.hardware)
    }
}

/// `struct ifinfomsg` of linux/rtnetlink.h: family, type, device, flags to set, which of them count.
fn link(number: u32, flags: u32) -> Vec<u8> {
    let mut bytes = vec![0; 4];
    for field in [number, flags, flags] {
        bytes.extend_from_slice(&field.to_ne_bytes());
    }
    bytes
}

//! Devices of this thread's network namespace, as netdevice(7) knows them.

use std::{io, os::fd::AsRawFd, time::Duration};

use rustix::net::{AddressFamily, SocketFlags, SocketType, netdevice::name_to_index, socket_with};

use super::netlink::{Netlink, attribute};
use crate::LinuxError;

/// How long a device that was switched on may take to carry packets: 1 s.
const LOOKS: u32 = 1_000;
const BETWEEN_LOOKS: Duration = Duration::from_millis(1);
/// Message type of linux/rtnetlink.h, the bytes of its `struct ifinfomsg`, `IFLA_OPERSTATE` of linux/if_link.h, and
/// `IF_OPER_UP` of linux/if.h. `IFF_RUNNING` would not do: it stands as well while the state is not known.
const GET_LINK: u16 = 18;
const LINK_HEADER: usize = 16;
const LINK_STATE: u16 = 16;
const IS_UP: u8 = 6;

/// The number of a device.
pub(super) fn number_of(device: &str) -> Result<u32, LinuxError> {
    let failed = |errno| LinuxError::call(format!("find device {device}"), errno);
    let socket = socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None);
    name_to_index(socket.map_err(failed)?, device).map_err(failed)
}

/// Switches a device on, beside what else it is told by flags of linux/if.h.
pub(super) fn switch_on_with(device: &str, flags: i32) -> Result<(), LinuxError> {
    let mut request = asked(device, libc::SIOCGIFFLAGS)?;
    // SAFETY: the call before has written the flags.
    let before = unsafe { request.ifr_ifru.ifru_flags };
    request.ifr_ifru.ifru_flags = before | i16::try_from(libc::IFF_UP | flags).expect("flags of two bytes");
    ask(device, libc::SIOCSIFFLAGS, &mut request)
}

/// How many packets may wait for a device to take them.
pub(super) fn set_queue_length(device: &str, packets: u32) -> Result<(), LinuxError> {
    let mut request = named(device);
    request.ifr_ifru.ifru_metric = packets.cast_signed();
    ask(device, libc::SIOCSIFTXQLEN, &mut request)
}

/// Waits until a device that is switched on carries packets: until it learns that the other end is there too, the kernel
/// has it drop what is sent, without a word.
pub(super) fn wait_until_it_carries(device: &str) -> Result<(), LinuxError> {
    let failed = |errno| LinuxError::call(format!("look at device {device}"), errno);
    let (mut socket, number) = (Netlink::open_route()?, number_of(device)?.to_ne_bytes());
    for _ in 0..LOOKS {
        let devices = socket.dump_route(GET_LINK, &[0; LINK_HEADER]).map_err(failed)?;
        let own = devices.iter().find(|link| link.get(4..8) == Some(&number));
        if own.and_then(|link| attribute(link.get(LINK_HEADER..)?, LINK_STATE)) == Some(&[IS_UP]) {
            return Ok(());
        }
        #[expect(clippy::disallowed_methods, reason = "nobody tells, and it is a matter of microseconds")]
        std::thread::sleep(BETWEEN_LOOKS);
    }
    let source = io::ErrorKind::TimedOut.into();
    Err(LinuxError::Call { what: format!("wait until device {device} carries packets"), source })
}

fn asked(device: &str, call: libc::c_ulong) -> Result<libc::ifreq, LinuxError> {
    let mut request = named(device);
    ask(device, call, &mut request)?;
    Ok(request)
}

fn ask(device: &str, call: libc::c_ulong, request: &mut libc::ifreq) -> Result<(), LinuxError> {
    let socket = socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None)
        .map_err(|errno| LinuxError::call("open a socket", errno))?;
    // SAFETY: the kernel reads and writes one `ifreq`, which outlives the call.
    if unsafe { libc::ioctl(socket.as_raw_fd(), call, std::ptr::from_mut(request)) } < 0 {
        return Err(LinuxError::Call {
            what: format!("set device {device}"),
            source: io::Error::last_os_error(),
        });
    }
    Ok(())
}

/// What is asked about a device; longer names than the kernel has are cut.
pub(super) fn named(device: &str) -> libc::ifreq {
    // SAFETY: an `ifreq` is plain numbers, for which zero is a value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (place, byte) in request.ifr_name.iter_mut().zip(device.bytes().take(15)) {
        *place = byte.cast_signed();
    }
    request
}

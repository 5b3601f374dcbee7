//! A TAP device: what is sent out through it comes to us, what we write comes in. It vanishes with its descriptor.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd},
        unix::fs::OpenOptionsExt,
    },
};

use steadfast_model::network::MOST_WAITING;

use super::{
    cable::give_no_address,
    device::{named, number_of, set_queue_length, switch_on_with},
};
use crate::LinuxError;

/// Flags and calls of linux/if_tun.h.
const TAP: i16 = 0x0002;
const NO_PACKET_INFO: i16 = 0x1000;
const VNET_HEADER: i16 = 0x4000;
const SET_INTERFACE: libc::Ioctl = 0x4004_54ca;
const SET_OFFLOAD: libc::Ioctl = 0x4004_54d0;
/// Checksums left open, and TCP segments of up to 64 KiB, as between the kernel's own devices.
const CHECKSUM_TSO4_TSO6: libc::c_ulong = 1 | 2 | 4;
/// `struct virtio_net_hdr`, which comes before every packet.
pub(super) const HEADER: usize = 10;
/// That, an Ethernet header with room for tags, and the largest packet.
const LARGEST: usize = HEADER + 64 + 65_536;

/// A device of this thread's network namespace.
#[derive(Debug)]
pub(super) struct Tap {
    file: File,
    name: String,
    number: u32,
    buffer: Vec<u8>,
}

impl AsFd for Tap {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl Tap {
    /// Makes one whose name begins with `prefix`, at most ten letters, and switches it on. `whole` packets are as the
    /// kernel's own devices exchange them; others are as on a wire, with their checksums, and TCP is cut to fit.
    pub(super) fn make(prefix: &str, whole: bool) -> Result<Self, LinuxError> {
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => {
                LinuxError::Missing { what: "make a TAP device (/dev/net/tun)".to_owned() }
            }
            io::ErrorKind::PermissionDenied => LinuxError::Denied { what: "make a TAP device".to_owned() },
            _ => LinuxError::Call { what: "make a TAP device".to_owned(), source },
        };
        let mut options = OpenOptions::new();
        options.read(true).write(true).custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC);
        let file = options.open("/dev/net/tun").map_err(failed)?;
        // The kernel puts a free number in place of `%d`.
        let mut request = named(&format!("{prefix}%d"));
        request.ifr_ifru.ifru_flags = TAP | NO_PACKET_INFO | VNET_HEADER;
        // SAFETY: the kernel reads and writes one `ifreq`, which outlives the call.
        check(unsafe { libc::ioctl(file.as_raw_fd(), SET_INTERFACE, &raw mut request) }).map_err(failed)?;
        // SAFETY: this call takes a number, no pointer.
        check(unsafe {
            libc::ioctl(file.as_raw_fd(), SET_OFFLOAD, if whole { CHECKSUM_TSO4_TSO6 } else { 0 })
        })
        .map_err(failed)?;

        let name: Vec<u8> =
            request.ifr_name.iter().map(|byte| byte.cast_unsigned()).take_while(|byte| *byte != 0).collect();
        let name = String::from_utf8_lossy(&name).into_owned();
        let number = number_of(&name)?;
        // What the kernel asks on its own behalf would be taken for packets. One without IPv6 asks nothing.
        give_no_address(number).ok();
        // What finds no room would be lost when this process is late.
        set_queue_length(&name, MOST_WAITING)?;
        switch_on_with(&name, libc::IFF_NOARP)?;

        Ok(Self { file, name, number, buffer: vec![0; LARGEST] })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn number(&self) -> u32 {
        self.number
    }

    /// The next packet that was sent out through it, with its header. Never waits.
    pub(super) fn read(&mut self) -> Result<Option<Vec<u8>>, LinuxError> {
        loop {
            match self.file.read(&mut self.buffer) {
                Ok(length) => return Ok(Some(self.buffer[..length].to_vec())),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => {
                    return Err(LinuxError::Call { what: format!("read device {}", self.name), source });
                }
            }
        }
    }

    /// Lets a packet go on. One that the kernel does not take is lost, as on a wire.
    pub(super) fn write(&mut self, packet: &[u8]) {
        drop(self.file.write(packet));
    }
}

fn check(answer: i32) -> io::Result<()> {
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

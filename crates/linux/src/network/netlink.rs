//! Netlink: messages of attributes, as in netlink(7), and a socket that sends them.

use std::{
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    time::Duration,
};

use rustix::{
    io::Errno,
    net::{
        AddressFamily, Protocol, RecvFlags, SendFlags, SocketFlags, SocketType, bind,
        netlink::{NETFILTER, SocketAddrNetlink},
        recv, send, socket_with,
        sockopt::{Timeout, set_socket_send_buffer_size_force, set_socket_timeout},
    },
};

use crate::LinuxError;

/// Message flags of linux/netlink.h.
pub(super) const REQUEST: u16 = 0x1;
pub(super) const ACK: u16 = 0x4;
/// `NLM_F_EXCL`: what is there already is an error.
pub(super) const EXCLUSIVE: u16 = 0x200;
pub(super) const DUMP: u16 = 0x300;
pub(super) const CREATE: u16 = 0x400;
pub(super) const APPEND: u16 = 0x800;

/// `NLM_F_DUMP_INTR`: what is listed changed meanwhile.
const CHANGED: u16 = 0x10;
/// So often a list is asked for that changes while it is told.
const LISTINGS: usize = 5;

/// Message types of linux/netlink.h.
const ERROR: u16 = 2;
const DONE: u16 = 3;
const NESTED: u16 = 0x8000;
const TYPE_MASK: u16 = 0x3fff;

/// `struct nlmsghdr` and, for netfilter, `struct nfgenmsg` after it.
const HEADER: usize = 16;
const NETFILTER_HEADER: usize = 4;
/// No answer of the kernel takes longer than this.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest batch of messages: room for 64 peers and 64 ports at dozens of devices.
const LONGEST_BATCH: usize = 16 * 1024 * 1024;
/// A dump comes in parts of at most 32 KiB, a packet of a queue with at most 64 KiB.
const BUFFER: usize = 72 * 1024;

/// A list of attributes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Attributes(Vec<u8>);

impl Attributes {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn bytes(mut self, kind: u16, payload: &[u8]) -> Self {
        // An attribute ends where its length says; the next begins at a multiple of four.
        let length = u16::try_from(payload.len() + 4).expect("no attribute of ours is longer than 64 KiB");
        self.0.extend_from_slice(&length.to_ne_bytes());
        self.0.extend_from_slice(&kind.to_ne_bytes());
        self.0.extend_from_slice(payload);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self
    }

    pub(super) fn text(self, kind: u16, text: &str) -> Self {
        let mut bytes = text.as_bytes().to_vec();
        bytes.push(0);
        self.bytes(kind, &bytes)
    }

    pub(super) fn number(self, kind: u16, number: u32) -> Self {
        self.bytes(kind, &number.to_be_bytes())
    }

    pub(super) fn nest(self, kind: u16, inner: Self) -> Self {
        self.bytes(kind | NESTED, &inner.0)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// One message to netfilter: `kind` is subsystem and message, `resource` means what the subsystem says.
#[derive(Debug, Clone)]
pub(super) struct Message {
    pub(super) kind: u16,
    pub(super) flags: u16,
    pub(super) family: u8,
    pub(super) resource: u16,
    pub(super) attributes: Attributes,
}

impl Message {
    fn encode(&self, sequence: u32, into: &mut Vec<u8>) {
        header(self.kind, self.flags, sequence, NETFILTER_HEADER + self.attributes.0.len(), into);
        into.extend_from_slice(&[self.family, 0]);
        into.extend_from_slice(&self.resource.to_be_bytes());
        into.extend_from_slice(&self.attributes.0);
    }
}

/// `struct nlmsghdr` in front of so many bytes.
fn header(kind: u16, flags: u16, sequence: u32, payload: usize, into: &mut Vec<u8>) {
    let length = u32::try_from(HEADER + payload).expect("no message of ours is longer than 4 GiB");
    into.extend_from_slice(&length.to_ne_bytes());
    into.extend_from_slice(&kind.to_ne_bytes());
    into.extend_from_slice(&(flags | REQUEST).to_ne_bytes());
    into.extend_from_slice(&sequence.to_ne_bytes());
    into.extend_from_slice(&0_u32.to_ne_bytes());
}

/// A socket to netfilter, or to traffic control, in the network namespace of the thread that opened it.
#[derive(Debug)]
pub(super) struct Netlink {
    descriptor: OwnedFd,
    sequence: u32,
}

impl AsFd for Netlink {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

impl Netlink {
    pub(super) fn open() -> Result<Self, LinuxError> {
        Self::open_to(Some(NETFILTER))
    }

    /// One to devices and their traffic control.
    pub(super) fn open_route() -> Result<Self, LinuxError> {
        // `NETLINK_ROUTE` is number 0, the family's default.
        Self::open_to(None)
    }

    fn open_to(protocol: Option<Protocol>) -> Result<Self, LinuxError> {
        let failed = |errno| LinuxError::call("open a netlink socket", errno);
        let (family, kind, flags) = (AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC);
        let descriptor = socket_with(family, kind, flags, protocol).map_err(failed)?;
        bind(&descriptor, &SocketAddrNetlink::new(0, 0)).map_err(failed)?;
        set_socket_timeout(&descriptor, Timeout::Recv, Some(PATIENCE)).map_err(failed)?;
        // A batch is sent as one packet. Without the right to more, the default size must do.
        set_socket_send_buffer_size_force(&descriptor, LONGEST_BATCH).ok();
        Ok(Self { descriptor, sequence: 1 })
    }

    /// Sends messages as one packet and returns the sequence number of the first.
    pub(super) fn send(&mut self, messages: &[Message]) -> Result<u32, Errno> {
        let first = self.sequence;
        let mut bytes = Vec::new();
        for message in messages {
            message.encode(self.sequence, &mut bytes);
            self.sequence = self.sequence.wrapping_add(1);
        }
        send(&self.descriptor, &bytes, SendFlags::empty())?;
        Ok(first)
    }

    /// Sends one message and waits for the kernel's answer.
    pub(super) fn ask(&mut self, message: Message) -> Result<(), Errno> {
        let sequence = self.send(&[Message { flags: message.flags | ACK, ..message }])?;
        self.acknowledged(sequence, sequence)
    }

    /// Sends one message about traffic control and waits for the kernel's answer.
    pub(super) fn ask_route(&mut self, kind: u16, flags: u16, payload: &[u8]) -> Result<(), Errno> {
        let sequence = self.send_route(kind, flags | ACK, payload)?;
        self.acknowledged(sequence, sequence)
    }

    /// Asks for a list about traffic control, and gives each entry with its header.
    pub(super) fn dump_route(&mut self, kind: u16, payload: &[u8]) -> Result<Vec<Vec<u8>>, Errno> {
        self.list(|socket| socket.send_route(kind, DUMP, payload), |part| part.payload)
    }

    fn send_route(&mut self, kind: u16, flags: u16, payload: &[u8]) -> Result<u32, Errno> {
        let (sequence, mut bytes) = (self.sequence, Vec::new());
        header(kind, flags, sequence, payload.len(), &mut bytes);
        bytes.extend_from_slice(payload);
        self.sequence = self.sequence.wrapping_add(1);
        send(&self.descriptor, &bytes, SendFlags::empty())?;
        Ok(sequence)
    }

    /// Waits for the answer to the last of the messages sent from `first` on. The first that failed is the answer: a batch
    /// that is refused as a whole is answered by the number of its beginning alone. What is still told of earlier messages
    /// is passed over.
    pub(super) fn acknowledged(&mut self, first: u32, last: u32) -> Result<(), Errno> {
        let sent = last.wrapping_sub(first);
        let mut trouble = None;
        let mut buffer = vec![0; BUFFER];
        loop {
            let length = self.receive(&mut buffer, RecvFlags::empty())?;
            for part in parts(&buffer[..length]) {
                let number = part.sequence.wrapping_sub(first);
                let Some(errno) = part.error().filter(|_| number <= sent) else { continue };
                if errno != 0 {
                    trouble.get_or_insert(Errno::from_raw_os_error(errno));
                }
                if number == sent || (number == 0 && errno != 0) {
                    return trouble.map_or(Ok(()), Err);
                }
            }
        }
    }

    /// Asks for a list, and gives each entry's attributes.
    pub(super) fn dump(&mut self, message: Message) -> Result<Vec<Vec<u8>>, Errno> {
        let message = Message { flags: message.flags | DUMP, ..message };
        self.list(|socket| socket.send(std::slice::from_ref(&message)), |part| part.attributes())
    }

    /// A list that changed while it was told may lack entries: then it is asked for again, and after some tries the answer
    /// is [`Errno::INTR`].
    fn list(
        &mut self,
        ask: impl Fn(&mut Self) -> Result<u32, Errno>,
        of: impl for<'a> Fn(&Part<'a>) -> &'a [u8],
    ) -> Result<Vec<Vec<u8>>, Errno> {
        let mut buffer = vec![0; BUFFER];
        for _ in 0..LISTINGS {
            ask(self)?;
            let mut listing = Listing { entries: Vec::new(), whole: true };
            loop {
                let length = self.receive(&mut buffer, RecvFlags::empty())?;
                if listing.take(&buffer[..length], &of)? {
                    break;
                }
            }
            if listing.whole {
                return Ok(listing.entries);
            }
        }
        Err(Errno::INTR)
    }

    /// One packet of the kernel.
    pub(super) fn receive(&self, buffer: &mut [u8], flags: RecvFlags) -> Result<usize, Errno> {
        loop {
            match recv(&self.descriptor, &mut *buffer, flags) {
                Ok((_, length)) => return Ok(length.min(buffer.len())),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno),
            }
        }
    }
}

/// A list as far as it was told.
struct Listing {
    entries: Vec<Vec<u8>>,
    /// Nothing has changed meanwhile.
    whole: bool,
}

impl Listing {
    /// Takes what was received. Whether that was the end.
    fn take(&mut self, bytes: &[u8], of: impl for<'a> Fn(&Part<'a>) -> &'a [u8]) -> Result<bool, Errno> {
        for part in parts(bytes) {
            self.whole &= part.flags & CHANGED == 0;
            match part.kind {
                DONE => return Ok(true),
                ERROR => match part.error() {
                    Some(errno) if errno != 0 => return Err(Errno::from_raw_os_error(errno)),
                    _ => {}
                },
                _ => self.entries.push(of(&part).to_vec()),
            }
        }
        Ok(false)
    }
}

/// One message of the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part<'a> {
    pub(super) kind: u16,
    flags: u16,
    pub(super) sequence: u32,
    payload: &'a [u8],
}

impl<'a> Part<'a> {
    /// The number of the error it tells of, 0 for none; `None` when it tells of something else.
    pub(super) fn error(&self) -> Option<i32> {
        let code = self.payload.first_chunk::<4>().filter(|_| self.kind == ERROR)?;
        Some(i32::from_ne_bytes(*code).checked_neg().unwrap_or(i32::MAX))
    }

    pub(super) fn attributes(&self) -> &'a [u8] {
        self.payload.get(NETFILTER_HEADER..).unwrap_or_default()
    }
}

/// The messages in what was received. What is cut short ends the list.
pub(super) fn parts(mut bytes: &[u8]) -> impl Iterator<Item = Part<'_>> {
    std::iter::from_fn(move || {
        let (header, _) = bytes.split_first_chunk::<HEADER>()?;
        let length =
            usize::try_from(u32::from_ne_bytes([header[0], header[1], header[2], header[3]])).ok()?;
        let payload = bytes.get(HEADER..length)?;
        let part = Part {
            kind: u16::from_ne_bytes([header[4], header[5]]),
            flags: u16::from_ne_bytes([header[6], header[7]]),
            sequence: u32::from_ne_bytes([header[8], header[9], header[10], header[11]]),
            payload,
        };
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(part)
    })
}

/// The attributes in a payload: kind without its flags, and bytes. What is cut short ends the list.
pub(super) fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let (header, _) = bytes.split_first_chunk::<4>()?;
        let length = usize::from(u16::from_ne_bytes([header[0], header[1]]));
        let kind = u16::from_ne_bytes([header[2], header[3]]) & TYPE_MASK;
        let payload = bytes.get(4..length)?;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, payload))
    })
}

/// The first attribute of a kind.
pub(super) fn attribute(bytes: &[u8], kind: u16) -> Option<&[u8]> {
    attributes(bytes).find(|(found, _)| *found == kind).map(|(_, payload)| payload)
}

/// A text that may end with a zero byte.
pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.strip_suffix(&[0]).unwrap_or(bytes)).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_written_can_be_read() {
        let inner = Attributes::new().text(1, "eth0").number(2, 7);
        let list = Attributes::new().nest(3, inner).bytes(4, &[1, 2, 3]);
        let message = Message { kind: 0x0a06, flags: ACK, family: 5, resource: 10, attributes: list };
        let mut bytes = Vec::new();
        message.encode(41, &mut bytes);
        message.encode(42, &mut bytes);
        let found: Vec<_> = parts(&bytes).collect();
        assert_eq!((found.len(), found[1].sequence, found[1].kind), (2, 42, 0x0a06));
        let nested = attribute(found[1].attributes(), 3).unwrap();
        assert_eq!(text(attribute(nested, 1).unwrap()), "eth0");
        assert_eq!(attribute(nested, 2), Some(&[0, 0, 0, 7][..]));
        assert_eq!(attribute(found[1].attributes(), 4), Some(&[1, 2, 3][..]));
        assert_eq!(attribute(found[1].attributes(), 5), None);
    }

    #[test]
    fn a_list_that_changed_while_it_was_told_is_not_taken_for_whole() {
        let told = |flags: u16| {
            let mut bytes = Vec::new();
            header(0x0a06, flags, 1, 4, &mut bytes);
            bytes.extend_from_slice(&[5, 0, 0, 0]);
            header(DONE, 0, 1, 4, &mut bytes);
            bytes.extend_from_slice(&[0; 4]);
            let mut listing = Listing { entries: Vec::new(), whole: true };
            assert_eq!(listing.take(&bytes, |part| part.attributes()), Ok(true));
            (listing.entries.len(), listing.whole)
        };
        assert_eq!([told(0), told(CHANGED)], [(1, true), (1, false)]);
    }

    proptest! {
        #[test]
        fn whatever_the_kernel_says_is_read_without_a_panic(bytes: Vec<u8>) {
            for part in parts(&bytes) {
                let _: Option<i32> = part.error();
                for (_, payload) in attributes(part.attributes()) {
                    prop_assert!(attributes(payload).count() <= payload.len());
                }
            }
            prop_assert!(attributes(&bytes).count() <= bytes.len() / 4);
        }
    }
}

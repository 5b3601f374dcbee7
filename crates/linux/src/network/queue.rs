//! NFQUEUE: packets that wait in the kernel for our word. Only their numbers come to us, or copies of them.

use std::os::fd::{AsFd, BorrowedFd};

use rustix::{
    io::Errno,
    net::{RecvFlags, sockopt::set_socket_recv_buffer_size_force},
};

use super::netlink::{ACK, Attributes, Message, Netlink, attribute, parts};
use crate::LinuxError;

/// The first queue number tried; numbers belong to a network namespace.
const FIRST: u16 = 47_000;
const TRIES: u16 = 500;
/// More packets than this do not wait: they pass at once.
pub(super) const LONGEST: u32 = steadfast_model::network::MOST_WAITING;
/// Room for what the kernel tells of waiting packets: 16 MiB.
const RECEIVE_BUFFER: usize = 16 * 1024 * 1024;

const SUBSYSTEM: u16 = 3;
const PACKET: u16 = SUBSYSTEM << 8;
const VERDICT: u16 = SUBSYSTEM << 8 | 1;
const CONFIG: u16 = SUBSYSTEM << 8 | 2;
const BIND: u8 = 1;
const COPY_META: u8 = 1;
const COPY_PACKET: u8 = 2;
/// A packet that is longer is told of in part: more would not fit into an attribute.
const LONGEST_COPY: u32 = 0xffff;
/// `enum` of `NFQA_` in linux/netfilter/nfnetlink_queue.h.
const VERDICT_HEADER: u16 = 2;
const PAYLOAD: u16 = 10;
const WHOLE_LENGTH: u16 = 13;
/// When the queue is full, packets pass; packets of 64 KiB come as they are.
const FAIL_OPEN: u32 = 1;
const GSO: u32 = 4;
const DROP: u32 = 0;
const ACCEPT: u32 = 1;
/// The longest message: a packet of 64 KiB and what is said of it.
const BUFFER: usize = 72 * 1024;

/// What comes to us of packets that wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Copies {
    /// Their numbers.
    None,
    /// Their lengths too.
    Lengths,
    /// All of them.
    Bytes,
}

/// A queue of this thread's network namespace. When it is dropped, what still waits is dropped too.
#[derive(Debug)]
pub(super) struct Queue {
    socket: Netlink,
    number: u16,
    buffer: Vec<u8>,
}

impl AsFd for Queue {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Queue {
    /// Takes a queue that nobody else has. `whole` packets are as the kernel exchanges them with its own devices; others are
    /// as on a wire, with their checksums when they are copied, and TCP is cut to fit.
    pub(super) fn bind(copied: Copies, whole: bool) -> Result<Self, LinuxError> {
        let mut socket = Netlink::open()?;
        let failed = |errno| match errno {
            Errno::INVAL | Errno::OPNOTSUPP | Errno::PROTONOSUPPORT => {
                LinuxError::Missing { what: "use NFQUEUE (nfnetlink_queue)".to_owned() }
            }
            other => LinuxError::call("take a packet queue", other),
        };
        // Without the right to it, the default size must do.
        set_socket_recv_buffer_size_force(&socket, RECEIVE_BUFFER).ok();
        let config =
            |resource, attributes| Message { kind: CONFIG, flags: ACK, family: 0, resource, attributes };
        for number in FIRST..FIRST + TRIES {
            match socket.ask(config(number, Attributes::new().bytes(1, &[BIND, 0, 0, 0]))) {
                Ok(()) => {}
                Err(Errno::BUSY | Errno::EXIST) => continue,
                Err(errno) => return Err(failed(errno)),
            }
            let (mode, range) = match copied {
                Copies::None => (COPY_META, 0_u32),
                // As little as can be: of what is told in part, the length is told too.
                Copies::Lengths => (COPY_PACKET, 1),
                Copies::Bytes => (COPY_PACKET, LONGEST_COPY),
            };
            let [a, b, c, d] = range.to_be_bytes();
            let flags = if whole { FAIL_OPEN | GSO } else { FAIL_OPEN };
            let settings = Attributes::new()
                .bytes(2, &[a, b, c, d, mode])
                .number(3, LONGEST)
                .number(4, FAIL_OPEN | GSO)
                .number(5, flags);
            socket.ask(config(number, settings)).map_err(failed)?;
            return Ok(Self { socket, number, buffer: vec![0; BUFFER] });
        }
        Err(LinuxError::call("take a packet queue: all are taken", Errno::BUSY))
    }

    pub(super) fn number(&self) -> u16 {
        self.number
    }

    /// The packets that came to wait since the last look. Never waits.
    pub(super) fn arrivals(&mut self, into: &mut Vec<u32>) -> Result<(), LinuxError> {
        while let Some(length) = self.receive()? {
            into.extend(arrivals(&self.buffer[..length]).map(|arrival| arrival.number));
        }
        Ok(())
    }

    /// The packets that came to wait since the last look, with their lengths from the IP header on. Never waits.
    pub(super) fn lengths(&mut self, into: &mut Vec<(u32, u64)>) -> Result<(), LinuxError> {
        while let Some(length) = self.receive()? {
            into.extend(arrivals(&self.buffer[..length]).map(|arrival| (arrival.number, arrival.length)));
        }
        Ok(())
    }

    /// Drops packets.
    pub(super) fn drop(&mut self, packets: &[u32]) -> Result<(), LinuxError> {
        self.decide(packets, DROP)
    }

    /// The next packets that came to wait, with copies; none when none wait. Never waits.
    pub(super) fn copies(&mut self) -> Result<Vec<Copied>, LinuxError> {
        let Some(length) = self.receive()? else { return Ok(Vec::new()) };
        let copy = |arrival: Arrival<'_>| Copied {
            number: arrival.number,
            bytes: arrival.bytes.to_vec(),
            is_whole: arrival.is_whole,
        };
        Ok(arrivals(&self.buffer[..length]).map(copy).collect())
    }

    fn receive(&mut self) -> Result<Option<usize>, LinuxError> {
        loop {
            match self.socket.receive(&mut self.buffer, RecvFlags::DONTWAIT) {
                Ok(length) => return Ok(Some(length)),
                Err(Errno::AGAIN) => return Ok(None),
                // Some could not be told of, and passed: the queue fails open.
                Err(Errno::NOBUFS) => {}
                Err(errno) => return Err(LinuxError::call("read a packet queue", errno)),
            }
        }
    }

    /// Lets packets go on.
    pub(super) fn release(&mut self, packets: &[u32]) -> Result<(), LinuxError> {
        self.decide(packets, ACCEPT)
    }

    fn decide(&mut self, packets: &[u32], decision: u32) -> Result<(), LinuxError> {
        let number = self.number;
        for some in packets.chunks(256) {
            let verdicts: Vec<Message> =
                some.iter().map(|packet| verdict(number, *packet, decision, None)).collect();
            self.socket.send(&verdicts).map_err(|errno| LinuxError::call("release packets", errno))?;
        }
        Ok(())
    }

    /// Lets a packet go on with other bytes; one that came in part is dropped.
    pub(super) fn replace(&mut self, packet: &Copied) -> Result<(), LinuxError> {
        let verdict = match packet.is_whole {
            true => verdict(self.number, packet.number, ACCEPT, Some(&packet.bytes)),
            false => verdict(self.number, packet.number, DROP, None),
        };
        let sent = self.socket.send(&[verdict]);
        sent.map(drop).map_err(|errno| LinuxError::call("release a packet", errno))
    }
}

/// A packet that waits, from its IP header on.
#[derive(Debug)]
pub(super) struct Copied {
    number: u32,
    pub(super) bytes: Vec<u8>,
    is_whole: bool,
}

fn verdict(queue: u16, packet: u32, verdict: u32, bytes: Option<&[u8]>) -> Message {
    let mut header = verdict.to_be_bytes().to_vec();
    header.extend_from_slice(&packet.to_be_bytes());
    let mut attributes = Attributes::new().bytes(VERDICT_HEADER, &header);
    if let Some(bytes) = bytes {
        attributes = attributes.bytes(PAYLOAD, bytes);
    }
    Message { kind: VERDICT, flags: 0, family: 0, resource: queue, attributes }
}

/// What the kernel tells of a packet.
struct Arrival<'a> {
    number: u32,
    bytes: &'a [u8],
    is_whole: bool,
    /// Of all of it.
    length: u64,
}

fn arrivals(bytes: &[u8]) -> impl Iterator<Item = Arrival<'_>> {
    parts(bytes).filter(|part| part.kind == PACKET).filter_map(|part| {
        let header = attribute(part.attributes(), 1)?;
        let number = u32::from_be_bytes(*header.first_chunk::<4>()?);
        let bytes = attribute(part.attributes(), PAYLOAD).unwrap_or_default();
        let whole = attribute(part.attributes(), WHOLE_LENGTH).and_then(|bytes| bytes.first_chunk::<4>());
        let length = whole.map_or(bytes.len() as u64, |length| u32::from_be_bytes(*length).into());
        Some(Arrival { number, bytes, is_whole: whole.is_none(), length })
    })
}

/// How many packets a queue of this thread's namespace has held so far; `None` when nobody listens to it.
pub(super) fn held(number: u16) -> Option<u64> {
    let table = std::fs::read_to_string("/proc/thread-self/net/netfilter/nfnetlink_queue").ok()?;
    held_in(&table, number)
}

/// Columns: number, listener, waiting, copy mode, copy range, dropped twice, packets so far, one.
fn held_in(table: &str, number: u16) -> Option<u64> {
    table.lines().find_map(|line| {
        let columns: Vec<&str> = line.split_ascii_whitespace().collect();
        let is_it = columns.first()?.parse() == Ok(number);
        if is_it { columns.get(7)?.parse().ok() } else { None }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_kernels_table_is_read() {
        let table = "47000  12345     3 1     0     0     0    7421  1\n47001   9 0 1 0 0 0 x 1\n";
        assert_eq!(held_in(table, 47_000), Some(7_421));
        assert_eq!(held_in(table, 47_001), None);
        assert_eq!(held_in(table, 1), None);
    }

    proptest! {
        #[test]
        fn whatever_the_kernel_says_is_read_without_a_panic(bytes: Vec<u8>, text in "\\PC*") {
            prop_assert!(arrivals(&bytes).count() <= bytes.len());
            let _: Option<u64> = held_in(&text, 1);
        }
    }
}

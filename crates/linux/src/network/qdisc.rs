//! Queueing disciplines at the devices of a network namespace: `netem`, by messages of rtnetlink(7).
//!
//! No descriptor holds one, so it stays when the process that made it is killed. It bears a handle of ours, and whoever
//! undoes deletes what bears that handle and nothing else.

use rustix::io::Errno;
use steadfast_model::network::{DisturbanceStatus, NetworkFault};

use super::{
    namespace::Namespace,
    netlink::{Attributes, CREATE, EXCLUSIVE, Netlink, attribute, text},
    queue,
};
use crate::LinuxError;

/// Message types of linux/rtnetlink.h.
pub(super) const NEW: u16 = 36;
const DELETE: u16 = 37;
const GET: u16 = 38;
/// `TC_H_ROOT` of linux/pkt_sched.h.
const ROOT: u32 = 0xFFFF_FFFF;
/// `enum` of `TCA_` in linux/rtnetlink.h.
pub(super) const KIND: u16 = 1;
pub(super) const OPTIONS: u16 = 2;
const STATS2: u16 = 7;
/// `enum` of `TCA_STATS_` in linux/gen_stats.h.
const STATS_BASIC: u16 = 1;
const STATS_QUEUE: u16 = 3;
/// `enum` of `TCA_NETEM_` in linux/pkt_sched.h, and the oldest kernel that knows them: 4.15.
const LATENCY64: u16 = 10;
const JITTER64: u16 = 11;
/// `struct tcmsg` of linux/rtnetlink.h.
const HEADER: usize = 20;

const NETEM: &str = "netem";

/// A discipline as it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Qdisc {
    kind: &'static str,
    options: Vec<u8>,
}

impl Qdisc {
    /// `netem` that does this to all that leaves a device; `None` when it cannot.
    pub(super) fn netem(fault: &NetworkFault) -> Option<Self> {
        let (mut loss, mut times) = (0, Attributes::new());
        match fault {
            NetworkFault::Loss { percent, .. } => loss = of_all(percent.fraction()),
            NetworkFault::Delay { latency, jitter, .. } => {
                times = times.bytes(LATENCY64, &nanos(latency.std()).to_ne_bytes());
                times = times.bytes(JITTER64, &nanos(jitter.std()).to_ne_bytes());
            }
            _ => return None,
        }
        // `struct tc_netem_qopt`: latency and jitter in ticks, which the attributes after it replace by nanoseconds.
        let [latency, limit, gap, duplicate, jitter] = [0, queue::LONGEST, 0, 0, 0];
        let fields = [latency, limit, loss, gap, duplicate, jitter];
        let mut options: Vec<u8> = fields.into_iter().flat_map(u32::to_ne_bytes).collect();
        options.extend_from_slice(times.as_bytes());
        Some(Self { kind: NETEM, options })
    }
}

/// Disciplines in place. They are deleted when this is dropped, and stay when the process is killed.
#[derive(Debug)]
pub(super) struct OwnedQdiscs {
    socket: Netlink,
    major: u16,
    devices: Vec<u32>,
}

impl OwnedQdiscs {
    /// Puts one at the root of each device of this thread's namespace.
    pub(super) fn make(major: u16, qdisc: &Qdisc, devices: &[u32]) -> Result<Self, LinuxError> {
        let failed = |errno| match errno {
            // The kernel looks for a module of that name and finds none.
            Errno::NOENT => LinuxError::Missing { what: format!("use {}", qdisc.kind) },
            Errno::EXIST => LinuxError::Call {
                what: format!("use {}", qdisc.kind),
                source: std::io::Error::other(
                    "a device has a queueing discipline already: see `tc qdisc show`",
                ),
            },
            errno => LinuxError::call(format!("use {}", qdisc.kind), errno),
        };
        let mut made = Self { socket: Netlink::open_route()?, major, devices: Vec::new() };
        for device in devices {
            // What somebody else has put there stays. The kernel's own default does not count.
            let flags = CREATE | EXCLUSIVE;
            // Dropping what was made before an error deletes it.
            made.socket.ask_route(NEW, flags, &new_message(*device, major, qdisc)).map_err(failed)?;
            made.devices.push(*device);
        }
        Ok(made)
    }
}

impl Drop for OwnedQdiscs {
    fn drop(&mut self) {
        for device in &self.devices {
            // One that fails here is deleted by whoever undoes.
            delete(&mut self.socket, *device, self.major).ok();
        }
    }
}

/// Deletes every discipline of a namespace that bears this handle, and no other. None is fine.
///
/// # Errors
/// When this user may not, or one stays.
pub fn remove_qdiscs(namespace: &Namespace, major: u16) -> Result<(), LinuxError> {
    let removed = namespace.inside(|| {
        let mut socket = Netlink::open_route()?;
        for found in list(&mut socket)?.into_iter().filter(|found| found.is_ours(major)) {
            delete(&mut socket, found.device, major)
                .map_err(|errno| LinuxError::call("delete a queueing discipline", errno))?;
        }
        Ok(())
    });
    removed?
}

/// Whether somebody has put a discipline at the root of a device. The kernel's own default has no handle.
///
/// # Errors
/// When this user may not look.
pub fn has_qdiscs(namespace: &Namespace) -> Result<bool, LinuxError> {
    let looked = namespace.inside(|| {
        let found = list(&mut Netlink::open_route()?)?;
        Ok(found.iter().any(|found| found.is_root && found.handle != 0))
    });
    looked?
}

/// What the disciplines of a namespace that bear this handle have counted; `None` when there are none.
///
/// # Errors
/// When this user may not look.
pub fn qdisc_status(namespace: &Namespace, major: u16) -> Result<Option<DisturbanceStatus>, LinuxError> {
    let looked = namespace.inside(|| {
        let found = list(&mut Netlink::open_route()?)?;
        let mut ours = found.into_iter().filter(|found| found.is_ours(major)).peekable();
        if ours.peek().is_none() {
            return Ok(None);
        }
        let (mut seen, mut hits) = (0, 0);
        for one in ours {
            let all = one.sent.saturating_add(one.waiting).saturating_add(one.dropped);
            seen += all;
            // One that delays drops only what is too much for it; one that loses delays nothing.
            hits += if one.delays { one.sent.saturating_add(one.waiting) } else { one.dropped };
        }
        Ok(Some(DisturbanceStatus { table: format!("{NETEM} {major:x}:"), seen, hits }))
    });
    looked?
}

/// A discipline as the kernel lists it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Listed {
    kind: String,
    device: u32,
    handle: u32,
    is_root: bool,
    delays: bool,
    sent: u64,
    waiting: u64,
    dropped: u64,
}

impl Listed {
    fn is_ours(&self, major: u16) -> bool {
        // Tests put other kinds in place, on kernels without netem.
        self.is_root && self.handle == handle(major)
    }
}

fn list(socket: &mut Netlink) -> Result<Vec<Listed>, LinuxError> {
    let listed = socket.dump_route(GET, &header(0, 0, 0, 0));
    let entries = listed.map_err(|errno| LinuxError::call("list queueing disciplines", errno))?;
    Ok(entries.iter().filter_map(|entry| read(entry)).collect())
}

/// One entry of the kernel's list.
fn read(entry: &[u8]) -> Option<Listed> {
    let number = |bytes: &[u8], at: usize| Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk::<4>()?));
    let attributes = entry.get(HEADER..)?;
    let stats = attribute(attributes, STATS2).unwrap_or_default();
    // `struct gnet_stats_basic`: bytes as 64 bits, packets as 32. `struct gnet_stats_queue`: length, backlog, drops.
    let packets = attribute(stats, STATS_BASIC).and_then(|basic| number(basic, 8)).unwrap_or(0);
    let queue = attribute(stats, STATS_QUEUE).unwrap_or_default();
    let options = attribute(attributes, OPTIONS).unwrap_or_default();
    // The kernel tells the latency in ticks, and in nanoseconds too when it is longer than ticks can say.
    let delays = number(options, 0).unwrap_or(0) > 0
        || options
            .get(24..)
            .and_then(|more| attribute(more, LATENCY64))
            .is_some_and(|nanos| nanos.iter().any(|byte| *byte > 0));
    Some(Listed {
        kind: text(attribute(attributes, KIND)?),
        device: number(entry, 4)?,
        handle: number(entry, 8)?,
        is_root: number(entry, 12)? == ROOT,
        delays,
        sent: packets.into(),
        waiting: number(queue, 0).unwrap_or(0).into(),
        dropped: number(queue, 8).unwrap_or(0).into(),
    })
}

/// The kernel compares the handle: another discipline in its place is an error, and stays. One that is gone is fine.
fn delete(socket: &mut Netlink, device: u32, major: u16) -> Result<(), Errno> {
    match socket.ask_route(DELETE, 0, &header(device, handle(major), ROOT, 0)) {
        Err(Errno::NOENT | Errno::NODEV) => Ok(()),
        answer => answer,
    }
}

fn new_message(device: u32, major: u16, qdisc: &Qdisc) -> Vec<u8> {
    let attributes = Attributes::new().text(KIND, qdisc.kind).bytes(OPTIONS, &qdisc.options);
    [header(device, handle(major), ROOT, 0).as_slice(), attributes.as_bytes()].concat()
}

/// `struct tcmsg`: family and padding, device, handle, parent, and information, which means something for filters.
pub(super) fn header(device: u32, handle: u32, parent: u32, information: u32) -> Vec<u8> {
    [0, device, handle, parent, information].into_iter().flat_map(u32::to_ne_bytes).collect()
}

fn handle(major: u16) -> u32 {
    u32::from(major) << 16
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of the largest number")]
fn of_all(fraction: f64) -> u32 {
    (fraction * f64::from(u32::MAX)).round() as u32
}

fn nanos(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;

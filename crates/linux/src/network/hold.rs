//! One disturbance of a network namespace, held by descriptors of this process.

use std::{
    num::NonZeroU64,
    os::fd::OwnedFd,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use rustix::{
    event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll},
    io::Errno,
    thread::set_current_timer_slack,
    time::{ClockId, clock_gettime},
};
use steadfast_model::network::{
    Backend, Disturbance, DisturbanceId, DisturbanceStatus, NetworkFault, Traffic,
};

use super::{
    device::number_of,
    line::{Line, Wait},
    mirror::lead_into,
    namespace::Namespace,
    nft::{
        OwnedTables,
        counters::{Counted, counted},
    },
    pace::Bucket,
    plan::{self, Action, Detour, Share},
    qdisc::{OwnedQdiscs, Qdisc},
    queue::{self, Queue},
    tap::Tap,
};
use crate::LinuxError;

mod packets;

use packets::{Packets, Then};

/// The loop looks around at least this often, so that its pulse shows that it lives: 200 ms.
const PULSE_NANOS: u64 = 200_000_000;
/// So often is told what only this process counts: 200 ms.
const TELL_NANOS: u64 = 200_000_000;
/// How long before its tables a device is closed: 2 ms. Together they take 23 ms then, and 37 ms the other way round.
const AHEAD_NANOS: u64 = 2_000_000;
const MILLION: f64 = 1_000_000.0;

/// Everything that keeps a disturbance in place. Dropping it, or the end of the process, takes it away.
#[derive(Debug)]
pub struct Held {
    /// Devices that lead packets back in. The tables let nothing else through them.
    loops: Vec<Tap>,
    // All belong to one socket, as closing one waits until every processor has left the rules.
    tables: Option<OwnedTables>,
    /// Of no descriptor: they stay when the process is killed.
    qdiscs: Option<OwnedQdiscs>,
    hold: Option<Packets>,
}

/// Tells a loop to end, and shows that it lives.
#[derive(Debug)]
pub struct Pulse {
    end: OwnedFd,
    beat: AtomicU64,
}

impl Pulse {
    /// One that has not been told to end.
    ///
    /// # Errors
    /// When this process has too many open files.
    pub fn new() -> Result<Self, LinuxError> {
        let end = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
            .map_err(|errno| LinuxError::call("make an event descriptor", errno))?;
        Ok(Self { end, beat: AtomicU64::new(now()) })
    }

    /// Tells the loop to end.
    pub fn end(&self) {
        // It can fail only when it was told very often already.
        rustix::io::write(&self.end, &1_u64.to_ne_bytes()).ok();
    }

    /// Whether the loop is told to end within this time.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub fn ends_within(&self, time: Duration) -> Result<bool, LinuxError> {
        let due = Some(now().saturating_add(nanos(time)));
        wait(None, self, due).map_err(|errno| LinuxError::call("wait for the end", errno))
    }

    /// The loop lives.
    pub fn beats(&self) {
        self.beat.store(now(), Ordering::Relaxed);
    }

    /// How long ago the loop last looked around, in nanoseconds.
    #[must_use]
    pub fn age(&self) -> u64 {
        now().saturating_sub(self.beat.load(Ordering::Relaxed))
    }
}

impl Held {
    /// Puts a disturbance in place. This thread must be inside the namespace.
    ///
    /// # Errors
    /// [`LinuxError::Missing`] when this kernel does not offer what is needed; then nothing is in place.
    pub fn put(disturbance: &Disturbance) -> Result<Self, LinuxError> {
        let Disturbance { id, traffic, fault, .. } = disturbance;
        let devices = devices()?;
        if fault.backend() == Backend::Netem {
            return Self::queue_at(DisturbanceId::qdisc_of(id.injection), fault, &devices);
        }
        Self::put_on(&id.table(), traffic, fault, &devices)
    }

    /// By netem.
    pub(super) fn queue_at(major: u16, fault: &NetworkFault, devices: &[String]) -> Result<Self, LinuxError> {
        let cannot = || LinuxError::Missing { what: "do it by netem".to_owned() };
        let qdisc = Qdisc::netem(fault).ok_or_else(cannot)?;
        let numbers: Result<Vec<u32>, _> = devices.iter().map(|device| number_of(device)).collect();
        let qdiscs = Some(OwnedQdiscs::make(major, &qdisc, &numbers?)?);
        Ok(Self { loops: Vec::new(), tables: None, qdiscs, hold: None })
    }

    pub(super) fn put_on(
        name: &str,
        traffic: &Traffic,
        fault: &NetworkFault,
        devices: &[String],
    ) -> Result<Self, LinuxError> {
        let drop_by = |action: Action| {
            let table = plan::dropping(traffic, action, devices);
            Ok(Self::by_tables(OwnedTables::make(name, &[table])?, Vec::new()))
        };
        match fault {
            NetworkFault::Partition { visible: true } => drop_by(Action::Refuse),
            NetworkFault::Partition { visible: false } => drop_by(Action::Drop),
            NetworkFault::Loss { percent, .. } => drop_by(Action::Lose(of_a_million(percent.fraction()))),
            NetworkFault::Reset { percent } => drop_by(Action::Reset(of_a_million(percent.fraction()))),
            NetworkFault::Delay { latency, jitter, keep_order, seed, .. } => {
                let wait = Wait {
                    latency: nanos(latency.std()),
                    jitter: nanos(jitter.std()),
                    keep_order: *keep_order,
                };
                Self::lead(name, traffic, devices, Share::All, Then::Wait(Line::new(wait, *seed)))
            }
            NetworkFault::Reorder { percent, gap, latency } => {
                let wait = Wait { latency: nanos(latency.std()), jitter: 0, keep_order: false };
                let share = Share::AllBut { every: (*gap).max(1), million: of_a_million(percent.fraction()) };
                Self::lead(name, traffic, devices, share, Then::Wait(Line::new(wait, 0)))
            }
            NetworkFault::Bandwidth { rate, burst, limit } => {
                let then = Then::pace(*rate, &Bucket::new(*rate, *burst, *limit));
                Self::lead(name, traffic, devices, Share::AllUncounted, then)
            }
            NetworkFault::Corrupt { percent } => {
                let share = Share::Some(of_a_million(percent.fraction()));
                Self::lead(name, traffic, devices, share, Then::spoil())
            }
            NetworkFault::Duplicate { percent } => {
                Self::duplicate(name, traffic, devices, of_a_million(percent.fraction()))
            }
            NetworkFault::Names { .. } => {
                Err(LinuxError::Missing { what: "meet questions for names packet by packet".to_owned() })
            }
        }
    }

    fn by_tables(tables: OwnedTables, loops: Vec<Tap>) -> Self {
        Self { loops, tables: Some(tables), qdiscs: None, hold: None }
    }

    /// The kernel sends the second ones. What came in goes through a device of ours, and from there comes in again.
    fn duplicate(
        name: &str,
        traffic: &Traffic,
        devices: &[String],
        million: u32,
    ) -> Result<Self, LinuxError> {
        let (mut out, mut taps, mut loops) = (Vec::new(), Vec::new(), Vec::new());
        for device in devices {
            let device_number = number_of(device)?;
            if traffic.direction.includes_egress() {
                out.push((device.clone(), device_number));
            }
            if traffic.direction.includes_ingress() {
                let tap = Tap::make("steadfast", true)?;
                lead_into(tap.number(), device_number)?;
                loops.push(detour(device, &tap)?);
                taps.push(tap);
            }
        }
        let table = plan::duplicating(traffic, million, &out, &loops);
        Ok(Self::by_tables(OwnedTables::make(name, &[table])?, taps))
    }

    /// Leads a share of the packets to this process: what comes in by a queue, what goes out by devices of ours.
    fn lead(
        name: &str,
        traffic: &Traffic,
        devices: &[String],
        share: Share,
        then: Then,
    ) -> Result<Self, LinuxError> {
        let whole = then.takes_whole_packets();
        let mut queue = None;
        if traffic.direction.includes_ingress() {
            queue = Some(Queue::bind(then.copies(), whole)?);
        }
        let (mut taps, mut detours) = (Vec::new(), Vec::new());
        if traffic.direction.includes_egress() {
            for device in devices {
                let tap = Tap::make("steadfast", whole)?;
                detours.push(detour(device, &tap)?);
                taps.push(tap);
            }
        }
        let number = queue.as_ref().map(Queue::number);
        let tables = |native| {
            let mut tables =
                number.map(|queue| plan::queueing(traffic, share, queue, native)).unwrap_or_default();
            tables.extend((!detours.is_empty()).then(|| plan::detouring(traffic, share, &detours)));
            tables
        };
        // A kernel without `nft_queue` may still have the older `xt_NFQUEUE`.
        let older = if queue.is_some() { tables(false) } else { Vec::new() };
        let tables = OwnedTables::make_either(name, &tables(true), &older)?;
        let hold = Some(Packets::new(queue, taps, then));
        Ok(Self { loops: Vec::new(), tables: Some(tables), qdiscs: None, hold })
    }

    /// Keeps the disturbance in place until the pulse is told to end, then takes it away and lets go what is held.
    /// Blocks this thread.
    ///
    /// # Errors
    /// When packets can be neither read nor released.
    pub fn keep(mut self, pulse: &Pulse) -> Result<(), LinuxError> {
        // Timers of this thread are not bundled with others: a packet is due when it is due.
        set_current_timer_slack(NonZeroU64::new(1)).ok();
        let mut told = now();
        let kept = loop {
            pulse.beats();
            let due = self.hold.as_ref().and_then(|hold| hold.next_due());
            match wait(self.hold.as_ref(), pulse, due) {
                Ok(true) => break Ok(()),
                Ok(false) => {}
                Err(errno) => break Err(LinuxError::call("wait for packets", errno)),
            }
            if let Some(hold) = &mut self.hold
                && let Err(error) = hold.work()
            {
                break Err(error);
            }
            if now().saturating_sub(told) >= TELL_NANOS {
                told = now();
                if let Err(error) = self.tell() {
                    break Err(error);
                }
            }
        };
        drop(self.qdiscs.take());
        let has_devices = self.hold.is_some() || !self.loops.is_empty();
        // Nothing more may come when devices and queues go. What has none goes with its tables.
        let closed = match &mut self.tables {
            Some(tables) if has_devices => tables.close(),
            _ => Ok(()),
        };
        let let_go = self.hold.as_mut().map_or(Ok(()), |hold| hold.let_go(pulse));
        self.close();
        kept.and(closed).and(let_go)
    }

    /// Closing a table or a device waits until no processor uses it any more, and they can be waited for together.
    fn close(self) {
        let Self { loops, tables, qdiscs, hold } = self;
        let (queue, taps) = hold.map(Packets::into_parts).unwrap_or_default();
        let devices: Vec<Tap> = loops.into_iter().chain(taps).collect();
        let has_devices = !devices.is_empty();
        std::thread::scope(|scope| {
            for device in devices {
                // Where no thread can be had, it is closed at once.
                std::thread::Builder::new().spawn_scoped(scope, || drop(device)).ok();
            }
            if has_devices {
                // A device first asks for the lock that the tables keep while they wait.
                wait_for(Vec::new(), Some(now() + AHEAD_NANOS)).ok();
            }
            drop((tables, queue, qdiscs));
        });
    }

    /// Some things are not counted by the kernel: they have to be told of.
    fn tell(&mut self) -> Result<(), LinuxError> {
        let news = self.hold.as_mut().and_then(Packets::news);
        match (&mut self.tables, news) {
            (Some(tables), Some((what, packets))) => tables.tell(what, packets),
            _ => Ok(()),
        }
    }
}

/// Until something comes, something is due, or the pulse must beat. Whether the pulse was told to end.
fn wait(hold: Option<&Packets>, pulse: &Pulse, due: Option<u64>) -> Result<bool, Errno> {
    let mut entries = vec![PollFd::new(&pulse.end, PollFlags::IN)];
    entries.extend(hold.map(Packets::entries).unwrap_or_default());
    wait_for(entries, due)
}

/// Whether the first descriptor can be read.
fn wait_for(mut entries: Vec<PollFd<'_>>, due: Option<u64>) -> Result<bool, Errno> {
    let nanos = due.map_or(PULSE_NANOS, |due| due.saturating_sub(now()).min(PULSE_NANOS));
    let timeout = Timespec { tv_sec: 0, tv_nsec: i64::try_from(nanos).unwrap_or(0) };
    match poll(&mut entries, Some(&timeout)) {
        Ok(_) => Ok(entries.first().is_some_and(|first| first.revents().contains(PollFlags::IN))),
        Err(Errno::INTR) => Ok(false),
        Err(errno) => Err(errno),
    }
}

/// The network devices of this thread's namespace, loopback aside.
fn devices() -> Result<Vec<String>, LinuxError> {
    let path = std::path::PathBuf::from("/proc/thread-self/net/dev");
    let table = std::fs::read_to_string(&path).map_err(|source| LinuxError::Read { path, source })?;
    let named = table.lines().filter_map(|line| Some(line.split_once(':')?.0.trim().to_owned()));
    let devices: Vec<String> = named.filter(|name| name != "lo").collect();
    if devices.is_empty() {
        let nothing = std::io::Error::other("it has no network device but loopback");
        return Err(LinuxError::Call { what: "disturb the network namespace".to_owned(), source: nothing });
    }
    Ok(devices)
}

/// From a device through one of ours.
fn detour(device: &str, tap: &Tap) -> Result<Detour, LinuxError> {
    Ok(Detour {
        device: device.to_owned(),
        device_number: number_of(device)?,
        through: tap.name().to_owned(),
        through_number: tap.number(),
    })
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and a million")]
fn of_a_million(fraction: f64) -> u32 {
    (fraction * MILLION).round() as u32
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Nanoseconds of the clock that packets wait by.
fn now() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    let part = |value: i64| u64::try_from(value).unwrap_or(0);
    part(now.tv_sec).saturating_mul(1_000_000_000).saturating_add(part(now.tv_nsec))
}

/// What is in place in a namespace under names that begin so, and what it counted.
///
/// # Errors
/// When this user may not look.
pub fn status(namespace: &Namespace, prefix: &str) -> Result<Vec<DisturbanceStatus>, LinuxError> {
    let looked = namespace.inside(|| {
        let status = |(table, counted): (String, Counted)| {
            // What went past a queue because nobody listens was not held.
            let held = counted.queue.and_then(queue::held).map_or(0, |held| held.min(counted.queued));
            let disturbed = counted.hits.saturating_sub(counted.early);
            // TCP that was cut to fit a wire is counted by its parts here, and as a whole by the kernel.
            let hits = disturbed.saturating_add(held).min(counted.seen);
            DisturbanceStatus { table, seen: counted.seen, hits }
        };
        Ok(counted(prefix)?.into_iter().map(status).collect())
    });
    looked?
}

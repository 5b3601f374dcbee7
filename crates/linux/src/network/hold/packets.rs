//! Packets that were led to this process, and how they go on.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rustix::event::{PollFd, PollFlags};
use steadfast_model::ByteRate;

use super::{
    super::{
        line::{Line, Wait},
        nft::{EARLY, SLOWED},
        pace::Bucket,
        queue::{self, Copies, Queue},
        spoil::{ETHERNET, ip_in, spoil},
        tap::{HEADER, Tap},
    },
    Pulse, now, wait_for,
};
use crate::LinuxError;

/// Below this, in bits per second, TCP is cut to fit a wire: at 10 Mbit/s a packet of 64 KiB takes 50 ms.
const SLOW: u64 = 100_000_000;
/// What waits in this process at most; beyond, packets go on at once: 256 MiB.
const MOST_BYTES: usize = 256 * 1024 * 1024;
/// How long packets that were on their way when the tables were closed are waited for: 3 ms.
const LATECOMERS_NANOS: u64 = 3_000_000;
/// What happens all the time is told of once in so many looks.
const LOOKS: u32 = 4;
/// Packets taken in before those that are due are let go.
const AT_ONCE: usize = 64;

/// What comes to this process, and what is done with it.
#[derive(Debug)]
pub(super) struct Packets {
    queue: Option<Queue>,
    taps: Vec<Tap>,
    then: Then,
    bytes: usize,
    /// Packets that only this process counts, not yet told of: that did not fit any more and went on at once, or had to wait for their turn.
    counted: u64,
    looks: u32,
    has_told: bool,
}

/// What is done with packets.
#[derive(Debug)]
pub(super) enum Then {
    /// They wait.
    Wait(Line<Packet>),
    /// They wait until it is their turn, one bucket for what comes in and one for what goes out.
    Pace { line: Line<(Packet, Way, u64)>, buckets: [Bucket; 2], whole: bool },
    /// They go on with a bit changed.
    Spoil(Box<ChaCha8Rng>),
}

/// Which way a packet goes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Way {
    In = 0,
    Out = 1,
}

#[derive(Debug)]
pub(super) enum Packet {
    /// One that waits in the kernel.
    Queued(u32),
    /// One that waits here, and the device it came through.
    Taken(usize, Vec<u8>),
}

impl Then {
    pub(super) fn spoil() -> Self {
        Self::Spoil(Box::new(ChaCha8Rng::from_rng(&mut rand::rng())))
    }

    pub(super) fn pace(rate: ByteRate, bucket: &Bucket) -> Self {
        let line = Line::new(Wait { latency: 0, jitter: 0, keep_order: false }, 0);
        Self::Pace { line, buckets: [bucket.clone(), bucket.clone()], whole: rate.bits() >= SLOW }
    }

    /// Whether packets may be as the kernel exchanges them with its own devices: without checksums, and TCP in 64 KiB.
    pub(super) fn takes_whole_packets(&self) -> bool {
        match self {
            Self::Wait(_) => true,
            Self::Pace { whole, .. } => *whole,
            Self::Spoil(_) => false,
        }
    }

    /// What must be known of packets that wait in the kernel.
    pub(super) fn copies(&self) -> Copies {
        match self {
            Self::Wait(_) => Copies::None,
            Self::Pace { .. } => Copies::Lengths,
            Self::Spoil(_) => Copies::Bytes,
        }
    }
}

impl Packets {
    pub(super) fn new(queue: Option<Queue>, taps: Vec<Tap>, then: Then) -> Self {
        Self { queue, taps, then, bytes: 0, counted: 0, looks: 0, has_told: false }
    }

    /// When the next of those that wait may go.
    pub(super) fn next_due(&self) -> Option<u64> {
        match &self.then {
            Then::Wait(line) => line.next_due(),
            Then::Pace { line, .. } => line.next_due(),
            Then::Spoil(_) => None,
        }
    }

    /// What only this process counts and has not told of yet: what happened, and how often. Of what happens all the time
    /// it tells at every fifth look, as all that was told stays until the end.
    pub(super) fn news(&mut self) -> Option<(&'static str, u64)> {
        let what = if matches!(self.then, Then::Pace { .. }) { SLOWED } else { EARLY };
        self.looks += 1;
        let is_turn = what == EARLY || self.looks > LOOKS || !self.has_told;
        if self.counted == 0 || !is_turn {
            return None;
        }
        (self.looks, self.has_told) = (0, true);
        Some((what, std::mem::take(&mut self.counted)))
    }

    /// Takes in what came, and lets go what is due.
    pub(super) fn work(&mut self) -> Result<(), LinuxError> {
        match &mut self.then {
            Then::Wait(_) | Then::Pace { .. } => {
                self.take_in()?;
                self.take_in_turn()?;
                self.release(now())
            }
            Then::Spoil(chance) => {
                if let Some(queue) = &mut self.queue {
                    for mut packet in queue.copies()? {
                        spoil(&mut packet.bytes, chance);
                        queue.replace(&packet)?;
                    }
                }
                for tap in &mut self.taps {
                    for _ in 0..AT_ONCE {
                        let Some(mut packet) = tap.read()? else { break };
                        let frame = packet.get_mut(HEADER..).unwrap_or_default();
                        if let Some(ip) = ip_in(frame) {
                            spoil(&mut frame[ip..], chance);
                        }
                        tap.write(&packet);
                    }
                }
                Ok(())
            }
        }
    }

    fn take_in(&mut self) -> Result<(), LinuxError> {
        let Then::Wait(line) = &mut self.then else { return Ok(()) };
        if let Some(queue) = &mut self.queue {
            let mut arrived = Vec::new();
            queue.arrivals(&mut arrived)?;
            let now = now();
            arrived.into_iter().for_each(|packet| line.take(Packet::Queued(packet), now));
        }
        for (index, tap) in self.taps.iter_mut().enumerate() {
            for _ in 0..AT_ONCE {
                let Some(packet) = tap.read()? else { break };
                if self.bytes + packet.len() > MOST_BYTES || line.len() >= queue::LONGEST as usize {
                    tap.write(&packet);
                    self.counted += 1;
                    continue;
                }
                self.bytes += packet.len();
                line.take(Packet::Taken(index, packet), now());
            }
        }
        Ok(())
    }

    fn take_in_turn(&mut self) -> Result<(), LinuxError> {
        let Then::Pace { line, buckets, .. } = &mut self.then else { return Ok(()) };
        let mut take = |packet: Packet, way: Way, length: u64, at: u64| -> Option<Packet> {
            // The kernel's own queue must not be full: it lets pass what finds no room.
            let has_room = line.len() < queue::LONGEST as usize / 2;
            let due = if has_room { buckets[way as usize].take(length, at) } else { None };
            self.counted += u64::from(due.is_none_or(|due| due > at));
            let Some(due) = due else { return Some(packet) };
            // What goes at once does not wait, and is not told of as gone.
            let waits = if due > at { length } else { 0 };
            line.hold((packet, way, waits), due);
            None
        };
        if let Some(queue) = &mut self.queue {
            let (mut arrived, mut dropped, now) = (Vec::new(), Vec::new(), now());
            queue.lengths(&mut arrived)?;
            for (number, length) in arrived {
                if take(Packet::Queued(number), Way::In, length, now).is_some() {
                    dropped.push(number);
                }
            }
            queue.drop(&dropped)?;
        }
        for (index, tap) in self.taps.iter_mut().enumerate() {
            for _ in 0..AT_ONCE {
                let Some(packet) = tap.read()? else { break };
                let length = packet.len().saturating_sub(HEADER + ETHERNET) as u64;
                // One that finds no room is dropped here.
                drop(take(Packet::Taken(index, packet), Way::Out, length, now()));
            }
        }
        Ok(())
    }

    fn release(&mut self, until: u64) -> Result<(), LinuxError> {
        let mut queued = Vec::new();
        while let Some(packet) = self.next(until) {
            match packet {
                Packet::Queued(number) => queued.push(number),
                Packet::Taken(index, bytes) => {
                    self.bytes = self.bytes.saturating_sub(bytes.len());
                    self.taps[index].write(&bytes);
                }
            }
        }
        match &mut self.queue {
            Some(queue) if !queued.is_empty() => queue.release(&queued),
            _ => Ok(()),
        }
    }

    /// The next packet that may go by then.
    fn next(&mut self, until: u64) -> Option<Packet> {
        match &mut self.then {
            Then::Wait(line) => line.release(until),
            Then::Pace { line, buckets, .. } => {
                let (packet, way, waited) = line.release(until)?;
                buckets[way as usize].gone(waited);
                Some(packet)
            }
            Then::Spoil(_) => None,
        }
    }

    /// Lets everything go at once, also what was on its way to us when the tables were closed.
    pub(super) fn let_go(&mut self, pulse: &Pulse) -> Result<(), LinuxError> {
        let until = now() + LATECOMERS_NANOS;
        loop {
            self.work()?;
            self.release(u64::MAX)?;
            if now() >= until {
                return Ok(());
            }
            pulse.beats();
            wait_for(self.entries(), Some(until)).ok();
        }
    }

    /// Where they come from.
    pub(super) fn into_parts(self) -> (Option<Queue>, Vec<Tap>) {
        (self.queue, self.taps)
    }

    pub(super) fn entries(&self) -> Vec<PollFd<'_>> {
        let queues = self.queue.iter().map(|queue| PollFd::new(queue, PollFlags::IN));
        queues.chain(self.taps.iter().map(|tap| PollFd::new(tap, PollFlags::IN))).collect()
    }
}

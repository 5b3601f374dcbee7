//! Packets that were led to this process, and how they go on.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rustix::event::{PollFd, PollFlags};

use super::{
    super::{
        line::Line,
        queue::{self, Queue},
        spoil::{ip_in, spoil},
        tap::{HEADER, Tap},
    },
    Pulse, now, wait_for,
};
use crate::LinuxError;

/// What waits in this process at most; beyond, packets go on at once: 256 MiB.
const MOST_BYTES: usize = 256 * 1024 * 1024;
/// How long packets that were on their way when the tables were closed are waited for: 3 ms.
const LATECOMERS_NANOS: u64 = 3_000_000;
/// Packets taken in before those that are due are let go.
const AT_ONCE: usize = 64;

/// What comes to this process, and what is done with it.
#[derive(Debug)]
pub(super) struct Packets {
    queue: Option<Queue>,
    taps: Vec<Tap>,
    then: Then,
    bytes: usize,
    /// Packets that did not fit any more and went on at once, not yet told of.
    early: u64,
}

/// What is done with packets.
#[derive(Debug)]
pub(super) enum Then {
    /// They wait.
    Wait(Line<Packet>),
    /// They go on with a bit changed.
    Spoil(Box<ChaCha8Rng>),
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

    /// Whether packets must come with their checksums, and TCP cut to fit.
    pub(super) fn needs_packets_as_on_a_wire(&self) -> bool {
        matches!(self, Self::Spoil(_))
    }
}

impl Packets {
    pub(super) fn new(queue: Option<Queue>, taps: Vec<Tap>, then: Then) -> Self {
        Self { queue, taps, then, bytes: 0, early: 0 }
    }

    /// When the next of those that wait may go.
    pub(super) fn next_due(&self) -> Option<u64> {
        match &self.then {
            Then::Wait(line) => line.next_due(),
            Then::Spoil(_) => None,
        }
    }

    /// How many went on at once since this was last asked, as there was no room.
    pub(super) fn take_early(&mut self) -> u64 {
        std::mem::take(&mut self.early)
    }

    /// Takes in what came, and lets go what is due.
    pub(super) fn work(&mut self) -> Result<(), LinuxError> {
        match &mut self.then {
            Then::Wait(_) => {
                self.take_in()?;
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
                    self.early += 1;
                    continue;
                }
                self.bytes += packet.len();
                line.take(Packet::Taken(index, packet), now());
            }
        }
        Ok(())
    }

    fn release(&mut self, until: u64) -> Result<(), LinuxError> {
        let Then::Wait(line) = &mut self.then else { return Ok(()) };
        let mut queued = Vec::new();
        while let Some(packet) = line.release(until) {
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

    pub(super) fn entries(&self) -> Vec<PollFd<'_>> {
        let queues = self.queue.iter().map(|queue| PollFd::new(queue, PollFlags::IN));
        queues.chain(self.taps.iter().map(|tap| PollFd::new(tap, PollFlags::IN))).collect()
    }
}

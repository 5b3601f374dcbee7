//! A line in which packets wait. Time is an argument.

use std::{cmp::Ordering, collections::BinaryHeap};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// How long packets wait, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wait {
    pub(super) latency: u64,
    /// Plus or minus up to this much.
    pub(super) jitter: u64,
    /// Whether a packet waits for those before it.
    pub(super) keep_order: bool,
}

/// Packets that wait, by the instant at which they may go.
#[derive(Debug)]
pub(super) struct Line<T> {
    wait: Wait,
    chance: ChaCha8Rng,
    waiting: BinaryHeap<Waiting<T>>,
    arrived: u64,
    last: u64,
}

#[derive(Debug)]
struct Waiting<T> {
    due: u64,
    /// Among equals the first goes first.
    number: u64,
    packet: T,
}

impl<T> Line<T> {
    pub(super) fn new(wait: Wait, seed: u64) -> Self {
        let chance = ChaCha8Rng::seed_from_u64(seed);
        Self { wait, chance, waiting: BinaryHeap::new(), arrived: 0, last: 0 }
    }

    /// Takes a packet that arrived now.
    pub(super) fn take(&mut self, packet: T, now: u64) {
        let Wait { latency, jitter, keep_order } = self.wait;
        let spread =
            if jitter == 0 { jitter } else { self.chance.random_range(0..=jitter.saturating_mul(2)) };
        let mut due = now.saturating_add(latency).saturating_add(spread).saturating_sub(jitter).max(now);
        if keep_order {
            due = due.max(self.last);
        }
        self.last = due;
        self.hold(packet, due);
    }

    /// Holds a packet until then.
    pub(super) fn hold(&mut self, packet: T, due: u64) {
        self.arrived += 1;
        self.waiting.push(Waiting { due, number: self.arrived, packet });
    }

    /// The next packet that may go by now.
    pub(super) fn release(&mut self, now: u64) -> Option<T> {
        let due = self.next_due()?;
        if due > now {
            return None;
        }
        self.waiting.pop().map(|waiting| waiting.packet)
    }

    /// When the next packet may go.
    pub(super) fn next_due(&self) -> Option<u64> {
        self.waiting.peek().map(|waiting| waiting.due)
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }
}

impl<T> Ord for Waiting<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        // The heap gives the greatest first; we want the earliest.
        (other.due, other.number).cmp(&(self.due, self.number))
    }
}

impl<T> PartialOrd for Waiting<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Waiting<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<T> Eq for Waiting<T> {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// When each packet went, in the order they went, when one arrives every `gap`.
    fn departures(wait: Wait, packets: u64, gap: u64, seed: u64) -> Vec<(u64, u64)> {
        let mut line = Line::new(wait, seed);
        (0..packets).for_each(|number| line.take(number, number * gap));
        assert_eq!(line.len() as u64, packets);
        let mut gone = Vec::new();
        while let Some(due) = line.next_due() {
            assert!(due == 0 || line.release(due - 1).is_none(), "none goes before it is due");
            gone.push((line.release(due).unwrap(), due));
        }
        gone
    }

    #[test]
    fn without_jitter_every_packet_waits_as_long_and_none_overtakes() {
        let wait = Wait { latency: 10_000, jitter: 0, keep_order: false };
        let gone = departures(wait, 100, 7, 1);
        assert!(
            gone.iter()
                .enumerate()
                .all(|(index, (number, due))| { *number == index as u64 && *due == number * 7 + 10_000 })
        );
    }

    #[test]
    fn the_same_seed_gives_the_same_jitter() {
        let wait = Wait { latency: 1_000, jitter: 500, keep_order: false };
        assert_eq!(departures(wait, 50, 10, 3), departures(wait, 50, 10, 3));
        assert_ne!(departures(wait, 50, 10, 3), departures(wait, 50, 10, 4));
    }

    proptest! {
        #[test]
        fn packets_wait_within_the_jitter_and_keep_their_order_when_told_to(
            latency in 0_u64..100_000, jitter in 0_u64..100_000, gap in 0_u64..1_000, seed: u64, keep_order: bool
        ) {
            let jitter = jitter.min(latency);
            let gone = departures(Wait { latency, jitter, keep_order }, 60, gap, seed);
            prop_assert_eq!(gone.len(), 60);
            for (number, due) in &gone {
                prop_assert!(due - number * gap >= latency - jitter);
                prop_assert!(keep_order || due - number * gap <= latency + jitter);
            }
            let in_order = gone.iter().map(|(number, _)| *number).eq(0..60);
            prop_assert!(in_order || !keep_order);
        }
    }
}

//! Bytes on hold, in order, each chunk until its time. Pure: time is an argument.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

/// The most bytes one half of a connection holds. A full half stops reading (or accepting writes) until bytes leave,
/// so the throughput under a delay is at most this much per latency.
pub(crate) const LARGEST: usize = 1024 * 1024;
/// What a chunk counts for besides its bytes, so that tiny chunks cannot take unbounded memory.
const OVERHEAD: usize = 64;
/// No need to look for more bytes that are due: nobody writes more at once.
const ENOUGH: usize = 256 * 1024;
/// An emptied buffer larger than this is given back.
const KEPT: usize = 64 * 1024;

/// What a half that holds nothing may always take, so that no connection stands still for want of budget.
const LEAST: usize = 4 * 1024;

/// What all halves of a proxy may hold together, in bytes. A half without any left does not read.
#[derive(Debug)]
pub(crate) struct Budget {
    most: usize,
    used: AtomicUsize,
}

impl Budget {
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, used: AtomicUsize::new(0) })
    }

    fn left(&self) -> usize {
        self.most.saturating_sub(self.used.load(Relaxed))
    }
}

/// A queue of chunks and, after the last, perhaps the end of the stream.
#[derive(Default)]
pub(crate) struct Held {
    bytes: VecDeque<u8>,
    chunks: VecDeque<Chunk>,
    end: Option<Chunk>,
    budget: Option<Arc<Budget>>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.give_back(self.bytes.len() + self.chunks.len() * OVERHEAD);
    }
}

#[derive(Clone, Copy)]
struct Chunk {
    length: usize,
    arrived: u64,
    due: u64,
    number: u64,
    mark: u64,
}

impl Held {
    /// Nothing on hold, and what it takes counts against this budget.
    pub(crate) fn of(budget: &Arc<Budget>) -> Self {
        let budget = Some(Arc::clone(budget));
        Self { bytes: VecDeque::new(), chunks: VecDeque::new(), end: None, budget }
    }

    fn give_back(&self, bytes: usize) {
        if let Some(budget) = &self.budget {
            budget.used.fetch_sub(bytes, Relaxed);
        }
    }

    /// Nothing on hold, not even an end.
    pub(crate) fn is_empty(&self) -> bool {
        self.chunks.is_empty() && self.end.is_none()
    }

    /// Whether the end of the stream is waiting its turn.
    pub(crate) fn has_end(&self) -> bool {
        self.end.is_some()
    }

    /// How many bytes one more chunk may have.
    pub(crate) fn room(&self) -> usize {
        let own = LARGEST.saturating_sub(self.bytes.len() + (self.chunks.len() + 1) * OVERHEAD);
        let least = if self.chunks.is_empty() { LEAST } else { 0 };
        own.min(self.budget.as_ref().map_or(own, |budget| budget.left().saturating_sub(OVERHEAD).max(least)))
    }

    /// Puts a chunk on hold until `due`, or until the one before it leaves. Its mark is told when it has left.
    pub(crate) fn push(&mut self, bytes: &[u8], arrived: u64, due: u64, number: u64, mark: u64) {
        let due = due.max(self.chunks.back().map_or(0, |last| last.due));
        if let Some(budget) = &self.budget {
            budget.used.fetch_add(bytes.len() + OVERHEAD, Relaxed);
        }
        self.bytes.extend(bytes);
        self.chunks.push_back(Chunk { length: bytes.len(), arrived, due, number, mark });
    }

    /// Puts the end of the stream on hold.
    pub(crate) fn push_end(&mut self, arrived: u64, due: u64, number: u64) {
        let due = due.max(self.chunks.back().map_or(0, |last| last.due));
        self.end = Some(Chunk { length: 0, arrived, due, number, mark: 0 });
    }

    /// When something leaves next.
    pub(crate) fn due(&self) -> Option<u64> {
        self.chunks.front().or(self.end.as_ref()).map(|chunk| chunk.due)
    }

    /// Whether the end is all that is left, and its time has come.
    pub(crate) fn ended(&self, now: u64) -> bool {
        self.chunks.is_empty() && self.end.is_some_and(|end| end.due <= now)
    }

    /// How many bytes of the first chunk are left.
    pub(crate) fn front(&self) -> usize {
        self.chunks.front().map_or(0, |chunk| chunk.length)
    }

    /// The next bytes in one piece, whether their time has come or not.
    pub(crate) fn front_bytes(&self) -> &[u8] {
        self.bytes.as_slices().0
    }

    /// The next bytes whose time has come; empty when there are none.
    pub(crate) fn ready(&self, now: u64) -> &[u8] {
        let front = self.front_bytes();
        let mut length = 0;
        for chunk in self.chunks.iter().take_while(|chunk| chunk.due <= now) {
            length += chunk.length;
            if length >= front.len().min(ENOUGH) {
                break;
            }
        }
        &front[..length.min(front.len())]
    }

    /// Lets go of that many bytes from the front, and tells the mark of every chunk that is gone by then.
    pub(crate) fn consume(&mut self, mut count: usize, mut gone: impl FnMut(u64)) {
        self.bytes.drain(..count);
        self.give_back(count);
        while let Some(first) = self.chunks.front_mut() {
            if first.length > count {
                first.length -= count;
                break;
            }
            count -= first.length;
            gone(first.mark);
            self.chunks.pop_front();
            self.give_back(OVERHEAD);
        }
        if self.bytes.is_empty() && self.bytes.capacity() > KEPT {
            self.bytes = VecDeque::new();
        }
    }

    /// Lets chunks and the end go earlier: `due` says when one would be due by the rules of now, given its arrival, its
    /// number and whether it is the end.
    pub(crate) fn hasten(&mut self, due: impl Fn(u64, u64, bool) -> u64) {
        let mut last = 0;
        for chunk in &mut self.chunks {
            chunk.due = chunk.due.min(due(chunk.arrived, chunk.number, false)).max(last);
            last = chunk.due;
        }
        if let Some(end) = &mut self.end {
            end.due = end.due.min(due(end.arrived, end.number, true)).max(last);
        }
    }
}

#[cfg(test)]
mod tests;

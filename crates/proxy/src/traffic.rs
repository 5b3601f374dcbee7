//! How many bytes came and went.

use std::{
    ops::Add,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

/// Bytes of a proxy so far, by direction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// From clients to the server.
    pub upstream: Flow,
    /// From the server to clients.
    pub downstream: Flow,
}

/// Bytes in one direction. What was received and not sent is held back, was swallowed, or is lost with its connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flow {
    /// Came in.
    pub received: u64,
    /// Went out.
    pub sent: u64,
}

impl Add for Traffic {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let sum = |one: Flow, other: Flow| Flow {
            received: one.received + other.received,
            sent: one.sent + other.sent,
        };
        Self {
            upstream: sum(self.upstream, other.upstream),
            downstream: sum(self.downstream, other.downstream),
        }
    }
}

/// The counters behind [`Traffic`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) from_client: Counter,
    pub(crate) to_server: Counter,
    pub(crate) from_server: Counter,
    pub(crate) to_client: Counter,
}

/// Counts bytes.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, bytes: usize) {
        self.0.fetch_add(u64::try_from(bytes).unwrap_or(0), Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

impl Counters {
    pub(crate) fn now(&self) -> Traffic {
        let flow = |received: &Counter, sent: &Counter| Flow { received: received.get(), sent: sent.get() };
        Traffic {
            upstream: flow(&self.from_client, &self.to_server),
            downstream: flow(&self.from_server, &self.to_client),
        }
    }
}

//! A rule in place: what it does, whom it picks, how often it did.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use steadfast_model::proxy::{ProxyFault, ProxyRule, RuleStatus, Stream};

use crate::{draw, matching::Head};

/// Keeps the draws for different questions about one rule apart.
#[derive(Clone, Copy)]
enum Question {
    Chosen,
    Jitter,
    Piece,
    Corrupt,
}

/// A rule in place.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) told: ProxyRule,
    /// Unlike ids, never the same for two rules of one proxy, and cheap to compare.
    pub(crate) serial: u64,
    /// A rule that was changed keeps its serial and what it has counted, and gets another version.
    pub(crate) version: u64,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    hits: AtomicU64,
    seen: AtomicU64,
}

impl Rule {
    pub(crate) fn new(told: ProxyRule, serial: u64) -> Self {
        Self { told, serial, version: serial, counts: Arc::default() }
    }

    /// The same rule, which does something else from now on.
    pub(crate) fn changed(&self, told: ProxyRule, version: u64) -> Self {
        Self { told, serial: self.serial, version, counts: Arc::clone(&self.counts) }
    }

    /// Whether it applies to this connection (request 0) or to this request of it.
    pub(crate) fn chooses(&self, connection: u64, request: u64) -> bool {
        self.fraction(Question::Chosen, connection, request) < self.told.percent.fraction()
    }

    /// How long it holds this chunk or request: `latency ± jitter`.
    pub(crate) fn delay(&self, connection: u64, number: u64) -> Duration {
        let (ProxyFault::TcpDelay { latency, jitter, .. } | ProxyFault::HttpDelay { latency, jitter, .. }) =
            &self.told.fault
        else {
            return Duration::ZERO;
        };
        if jitter.std().is_zero() {
            return latency.std();
        }
        let spread = jitter.std().mul_f64(2.0 * self.fraction(Question::Jitter, connection, number));
        (latency.std() + spread).saturating_sub(jitter.std())
    }

    /// Whether it is about bytes of that half.
    pub(crate) fn is_about(&self, half: Stream) -> bool {
        self.told.fault.stream().is_some_and(|stream| stream.covers(half))
    }

    /// Whether it counts chunks, or with `end` the ends of streams, not connections.
    pub(crate) fn counts_chunks(&self, end: bool) -> bool {
        match self.told.fault {
            ProxyFault::TcpSlowClose { .. } => end,
            ProxyFault::TcpDelay { .. }
            | ProxyFault::TcpHold { .. }
            | ProxyFault::TcpBandwidth { .. }
            | ProxyFault::TcpSlice { .. } => !end,
            _ => false,
        }
    }

    /// Whether it holds every chunk.
    pub(crate) fn delays(&self) -> bool {
        matches!(self.told.fault, ProxyFault::TcpDelay { .. } | ProxyFault::TcpHold { .. })
    }

    /// How many bytes this piece has: `size ± variation`, at least one.
    pub(crate) fn piece(&self, connection: u64, number: u64) -> usize {
        let ProxyFault::TcpSlice { size, variation, .. } = &self.told.fault else { return usize::MAX };
        let (size, variation) = (size.bytes(), variation.bytes().min(size.bytes()));
        let spread = draw::draw(&self.keys(Question::Piece, connection, number)) % (2 * variation + 1);
        usize::try_from(size - variation + spread).unwrap_or(usize::MAX).max(1)
    }

    /// What the corruption of a body is drawn by.
    pub(crate) fn corruption(&self, connection: u64, request: u64) -> u64 {
        draw::draw(&self.keys(Question::Corrupt, connection, request))
    }

    /// Whether it disturbs this request: whether it is about such, and `first`, `every` and chance want this one. Counts
    /// those it is about.
    pub(crate) fn picks(&self, request: &Head<'_>, connection: u64, number: u64) -> bool {
        let Some(matching) = self.told.fault.matching() else { return false };
        let calls_only = matches!(self.told.fault, ProxyFault::GrpcStatus { .. });
        if !request.matches(matching) || calls_only && !request.is_grpc() {
            return false;
        }
        let count = self.counts.seen.fetch_add(1, Relaxed) + 1;
        matching.first.is_none_or(|first| count <= first)
            && matching.every.is_none_or(|every| count.is_multiple_of(every))
            && self.chooses(connection, number)
    }

    pub(crate) fn saw(&self) {
        self.counts.seen.fetch_add(1, Relaxed);
    }

    pub(crate) fn hit(&self) {
        self.counts.hits.fetch_add(1, Relaxed);
    }

    pub(crate) fn status(&self) -> RuleStatus {
        let Counts { hits, seen } = &*self.counts;
        RuleStatus { id: self.told.id, hits: hits.load(Relaxed), seen: seen.load(Relaxed) }
    }

    fn fraction(&self, question: Question, connection: u64, number: u64) -> f64 {
        draw::fraction(&self.keys(question, connection, number))
    }

    fn keys(&self, question: Question, connection: u64, number: u64) -> [u64; 5] {
        // Not by the injection's id: the same seed must pick the same in every run.
        [self.told.seed, u64::from(self.told.id.number), question as u64, connection, number]
    }
}

//! A rule in place: what it does, whom it picks, how often it did.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use steadfast_model::proxy::{HttpMatch, ProxyFault, ProxyRule, RuleStatus, Stream};

use crate::{draw, glob};

/// Keeps the draws for different questions about one rule apart.
#[derive(Clone, Copy)]
enum Question {
    Chosen,
    Jitter,
}

/// A rule in place.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) told: ProxyRule,
    /// Unlike ids, never the same for two rules of one proxy, and cheap to compare.
    pub(crate) serial: u64,
    hits: AtomicU64,
    seen: AtomicU64,
}

impl Rule {
    pub(crate) fn new(told: ProxyRule, serial: u64) -> Self {
        Self { told, serial, hits: AtomicU64::new(0), seen: AtomicU64::new(0) }
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

    /// Whether this rule holds chunks of that half.
    pub(crate) fn delays(&self, half: Stream) -> bool {
        matches!(&self.told.fault, ProxyFault::TcpDelay { stream, .. } if *stream == half || *stream == Stream::Both)
    }

    /// Whether this rule is about requests with that method and path.
    pub(crate) fn matches(&self, method: &str, path: &str) -> bool {
        let (ProxyFault::HttpDelay { matching, .. } | ProxyFault::HttpStatus { matching, .. }) =
            &self.told.fault
        else {
            return false;
        };
        let HttpMatch { method: wanted, path: pattern } = matching;
        wanted.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && pattern.as_ref().is_none_or(|pattern| glob::matches(pattern, path))
    }

    pub(crate) fn saw(&self) {
        self.seen.fetch_add(1, Relaxed);
    }

    pub(crate) fn hit(&self) {
        self.hits.fetch_add(1, Relaxed);
    }

    pub(crate) fn status(&self) -> RuleStatus {
        RuleStatus { id: self.told.id, hits: self.hits.load(Relaxed), seen: self.seen.load(Relaxed) }
    }

    fn fraction(&self, question: Question, connection: u64, number: u64) -> f64 {
        // Not by the injection's id: the same seed must pick the same in every run.
        let rule = u64::from(self.told.id.number);
        draw::fraction(&[self.told.seed, rule, question as u64, connection, number])
    }
}

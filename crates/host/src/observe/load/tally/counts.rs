//! A load as a whole.

use steadfast_engine::host::LoadReport;

use super::Tally;

/// What became of all requests of a load so far. All fields but `due` and `sent` add up to `due`, together with the
/// requests that are still open while it runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LoadCounts {
    /// Requests that were due.
    pub due: u64,
    /// Requests that left this machine.
    pub sent: u64,
    /// Answered with an accepted status.
    pub good: u64,
    /// Answered with another status.
    pub rejected: u64,
    /// Not answered: refused, reset, no HTTP.
    pub failed: u64,
    /// Not answered within the timeout.
    pub timed_out: u64,
    /// Not sent, as too many were unanswered. They count as bad.
    pub unsent: u64,
    /// Not sent for want of descriptors, ports or memory on this machine. They count for nobody.
    pub our_fault: u64,
    /// Still unanswered when the load stopped. They count for nobody whose threshold they had not passed.
    pub undecided: u64,
}

impl Tally {
    pub(in super::super) fn counts(&self) -> LoadCounts {
        self.counts
    }

    /// Latencies are of requests that were answered or timed out.
    pub(in super::super) fn report(&self) -> LoadReport {
        let LoadCounts { due, sent, good, .. } = self.counts;
        let at = |quantile: f64| self.latencies.value_at_quantile(quantile).min(self.longest);
        let latency_us = [at(0.5), at(0.9), at(0.99), self.longest];
        LoadReport { due, sent, good, latency_us, failures: self.causes.all() }
    }
}

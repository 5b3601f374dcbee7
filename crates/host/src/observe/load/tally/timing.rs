//! How well this machine kept to the due times.

use hdrhistogram::Histogram;

use super::Tally;

/// How well this machine kept to the due times of a load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadTiming {
    /// From due to being taken up, before a connection is looked for, in microseconds: p50, p99, largest. Part of every
    /// latency, and all of it ours.
    pub late_us: [u64; 3],
    /// How often this machine could not do its part: held up, or out of descriptors, ports or memory.
    pub faults: u64,
    /// Why, the last time; empty when it never was.
    pub fault: String,
}

/// Counts late starts.
pub(super) struct Starts(Histogram<u64>);

impl Default for Starts {
    fn default() -> Self {
        Self(Histogram::new_with_bounds(1, super::LONGEST_LATENCY, 3).expect("these bounds are sound"))
    }
}

impl Starts {
    pub(super) fn record(&mut self, micros: u64) {
        self.0.saturating_record(micros.max(1));
    }
}

impl Tally {
    pub(in super::super) fn timing(&self) -> LoadTiming {
        let starts = &self.starts.0;
        LoadTiming {
            late_us: [starts.value_at_quantile(0.5), starts.value_at_quantile(0.99), starts.max()],
            faults: self.faults,
            fault: self.fault.clone(),
        }
    }
}

//! What one reader has not read yet.

use std::{collections::BTreeMap, time::Duration};

use steadfast_model::{BootTime, sample::Increment};

/// What one reader has not read yet.
pub(super) struct Reader {
    threshold: Duration,
    /// Requests before this one are none of its business: they were due before its first call, or were open and late at
    /// a sweep and have been counted then. Others before it ended earlier, so nothing is heard of them any more.
    from: u64,
    count: Increment,
    /// How often this machine had been at fault at the last reading.
    pub(super) faults: u64,
}

impl Reader {
    pub(super) fn new(from: u64, threshold: Duration, faults: u64) -> Self {
        Self { threshold, from, count: Increment::default(), faults }
    }

    /// Counts a request that ended, unless it has been counted.
    pub(super) fn decide(&mut self, number: u64, accepted: bool, latency: Duration) {
        if number >= self.from {
            self.count.total += 1;
            self.count.bad += u64::from(!accepted || latency > self.threshold);
        }
    }

    /// Counts open requests that are late already. Due times rise with numbers: the first that is not late ends it.
    pub(super) fn sweep(&mut self, open: &BTreeMap<u64, BootTime>, now: BootTime) {
        let from = self.from;
        for (number, _) in open.range(from..).take_while(|(_, due)| now.since(**due) > self.threshold) {
            self.count.total += 1;
            self.count.bad += 1;
            self.from = number + 1;
        }
    }

    pub(super) fn take(&mut self) -> Increment {
        std::mem::take(&mut self.count)
    }
}

//! What became of every request, for every reader.
//!
//! A request counts for a reader from the moment the reader knows whether it is good, and exactly once:
//!
//! - an answer, a failure or a timeout decides it when it happens;
//! - one that is still open longer than the reader's threshold after its due time is bad from then on, whatever comes
//!   later. A slow fault is seen after the threshold, not after the timeout;
//! - one that was not sent, because too many were open, is bad when it was due.
//!
//! So `bad` never exceeds `total`, and the totals of a reader add up to the requests that became due since its first
//! call, but for those still open at the end: they are undecided and count for nobody whose threshold they had not
//! passed. A request that failed for want of something on this machine counts for nobody, and the interval is a gap.

mod causes;
mod counts;
mod reader;
#[cfg(test)]
mod tests;
mod timing;

use std::{collections::BTreeMap, time::Duration};

use hdrhistogram::Histogram;
use steadfast_model::{BootTime, sample::Increment};
use steadfast_probes::world::LoadGood;

pub use counts::LoadCounts;
pub use timing::LoadTiming;

use causes::Causes;
use reader::Reader;
use timing::Starts;

/// Latencies above this are recorded as this, in microseconds: an hour.
const LONGEST_LATENCY: u64 = 3_600_000_000;

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ending {
    /// An answer with an accepted status.
    Accepted,
    /// An answer with this other status.
    Rejected(u16),
    /// No complete answer, and there will be none, for this reason.
    Failed(String),
    /// No complete answer within the timeout.
    TimedOut,
    /// This machine could not send it.
    OurFault(String),
}

/// Counts requests by the order in which they were due.
pub(super) struct Tally {
    timeout: Duration,
    /// Requests that are not decided, by number, with their due times. Numbers rise with due times.
    open: BTreeMap<u64, BootTime>,
    readers: BTreeMap<String, Reader>,
    counts: LoadCounts,
    causes: Causes,
    latencies: Histogram<u64>,
    longest: u64,
    starts: Starts,
    /// How often this machine was at fault, and the last time why.
    faults: u64,
    fault: String,
    closed: bool,
}

impl Tally {
    pub(super) fn new(timeout: Duration) -> Self {
        let latencies = Histogram::new_with_bounds(1, LONGEST_LATENCY, 3).expect("these bounds are sound");
        Self {
            timeout,
            open: BTreeMap::new(),
            readers: BTreeMap::new(),
            counts: LoadCounts::default(),
            causes: Causes::default(),
            latencies,
            longest: 0,
            starts: Starts::default(),
            faults: 0,
            fault: String::new(),
            closed: false,
        }
    }

    /// A request is due, no earlier than the one before. Its number, or nothing when `most` are open: then it is bad. Once
    /// closed, nothing is due any more.
    pub(super) fn due(&mut self, at: BootTime, most: usize) -> Option<u64> {
        if self.closed {
            return None;
        }
        let number = self.counts.due;
        self.counts.due += 1;
        if self.open.len() >= most {
            self.counts.unsent += 1;
            self.causes.note("not sent: too many were unanswered".to_owned());
            self.decide(number, false, Duration::ZERO);
            return None;
        }
        self.open.insert(number, at);
        Some(number)
    }

    /// A request was taken up so long after it was due.
    pub(super) fn taken_up(&mut self, late: Duration) {
        self.starts.record(u64::try_from(late.as_micros()).unwrap_or(LONGEST_LATENCY));
    }

    /// A request left this machine.
    pub(super) fn sent(&mut self) {
        self.counts.sent += 1;
    }

    /// A connection gave a request back untouched.
    pub(super) fn not_sent(&mut self) {
        self.counts.sent -= 1;
    }

    /// A request ended. The first ending counts.
    pub(super) fn ended(&mut self, number: u64, now: BootTime, ending: Ending) {
        let Some(due) = self.open.remove(&number) else { return };
        let latency = now.since(due);
        // An answer that arrived with its timeout is late, whoever looked first.
        let ending =
            if latency > self.timeout && ending == Ending::Accepted { Ending::TimedOut } else { ending };
        match ending {
            Ending::Accepted => self.counts.good += 1,
            Ending::Rejected(status) => {
                self.counts.rejected += 1;
                self.causes.note(format!("status {status}"));
            }
            Ending::Failed(ref cause) => {
                self.counts.failed += 1;
                self.causes.note(cause.clone());
            }
            Ending::TimedOut => {
                self.counts.timed_out += 1;
                self.causes.note("no answer in time".to_owned());
            }
            Ending::OurFault(cause) => {
                self.counts.our_fault += 1;
                return self.at_fault(cause);
            }
        }
        // A refused connection is fast, but nobody was served: only what was answered or waited for has a latency.
        if !matches!(ending, Ending::Failed(_)) {
            let micros =
                u64::try_from(latency.as_micros()).unwrap_or(LONGEST_LATENCY).clamp(1, LONGEST_LATENCY);
            self.latencies.saturating_record(micros);
            self.longest = self.longest.max(micros);
        }
        self.decide(number, ending == Ending::Accepted, latency);
    }

    /// This machine did not do its part: whatever readers count until they read again says nothing about the service.
    pub(super) fn at_fault(&mut self, cause: String) {
        self.faults += 1;
        self.fault = cause;
    }

    /// What was decided since the last call for this reader. The first call begins to count with the next request due.
    pub(super) fn read(&mut self, name: &str, good: &LoadGood, now: BootTime) -> Result<Increment, String> {
        let threshold = match good {
            LoadGood::Answered => self.timeout,
            LoadGood::Within(threshold) => self.timeout.min(*threshold),
        };
        let (next, faults, closed) = (self.counts.due, self.faults, self.closed);
        let reader =
            self.readers.entry(name.to_owned()).or_insert_with(|| Reader::new(next, threshold, faults));
        if !closed {
            reader.sweep(&self.open, now);
        }
        let increment = reader.take();
        if std::mem::replace(&mut reader.faults, faults) == faults {
            Ok(increment)
        } else {
            Err(self.fault.clone())
        }
    }

    pub(super) fn is_all_decided(&self) -> bool {
        self.open.is_empty()
    }

    /// Ends it: what is open now stays undecided, except for readers whose threshold it has passed.
    pub(super) fn close(&mut self, now: BootTime) {
        if std::mem::replace(&mut self.closed, true) {
            return;
        }
        for reader in self.readers.values_mut() {
            reader.sweep(&self.open, now);
        }
        self.counts.undecided = self.open.len() as u64;
        self.open.clear();
    }

    fn decide(&mut self, number: u64, accepted: bool, latency: Duration) {
        for reader in self.readers.values_mut() {
            reader.decide(number, accepted, latency);
        }
    }
}

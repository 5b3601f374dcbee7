//! The load generator: open-loop HTTP.
//!
//! Requests start when they are due, whether earlier ones were answered or not, and every latency counts from the due
//! time, also when the request left later because a connection had to be opened first. So a stalled service cannot make
//! the load wait and look faster than it is (the error known as coordinated omission).
//!
//! | part | does |
//! |---|---|
//! | [`due`] | when requests are due: pure |
//! | [`tally`] | what became of each of them, for every reader: pure |
//! | [`pacer`] | the thread that waits for due times and sends |
//! | [`pool`] | connections kept alive, one request at a time each |
//! | [`wire`], [`answer`] | a request and its answer on a connection; what an answer is: pure |

mod answer;
mod descriptors;
mod due;
mod pacer;
mod pool;
mod sender;
mod tally;
mod wire;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use steadfast_engine::host::LoadReport;
use steadfast_model::{Clock, sample::Increment};
use steadfast_probes::{StatusSet, load::HttpLoad, world::LoadGood};
use tokio::sync::{Notify, watch};

pub use tally::{LoadCounts, LoadTiming};

use super::{lock, message::Message};
use due::DueTimes;
use pacer::Pacer;
use pool::Pool;
use tally::Tally;

/// How long a stop waits for answers at most.
const LONGEST_DRAIN: Duration = Duration::from_secs(2);

/// A load that is sending, or has been.
pub(super) struct Load {
    message: Message,
    /// The message as it is sent.
    request: Vec<u8>,
    accept: StatusSet,
    timeout: Duration,
    in_flight: usize,
    clock: Arc<dyn Clock>,
    pool: Pool,
    tally: Mutex<Tally>,
    /// Told whenever a request is decided, for a stop that waits.
    decided: Notify,
    /// Whether what is still unanswered is given up.
    given_up: watch::Sender<bool>,
    stopped: AtomicBool,
    pacer: Mutex<Option<Pacer>>,
}

impl Load {
    /// Starts to send, on a thread of its own.
    ///
    /// # Errors
    /// When this machine allows fewer open connections than the load may need, or no thread can be started.
    pub(super) fn start(
        load: &HttpLoad,
        message: Message,
        clock: Arc<dyn Clock>,
        seed: u64,
    ) -> Result<Arc<Self>, String> {
        descriptors::ensure_for(load.in_flight)?;
        let timeout = load.timeout.std();
        let started = Arc::new(Self {
            request: message.bytes(),
            message,
            accept: load.accept.clone(),
            timeout,
            in_flight: usize::try_from(load.in_flight).unwrap_or(usize::MAX),
            clock,
            pool: Pool::default(),
            tally: Mutex::new(Tally::new(timeout)),
            decided: Notify::new(),
            given_up: watch::Sender::new(false),
            stopped: AtomicBool::new(false),
            pacer: Mutex::default(),
        });
        let due_times = DueTimes::new(load.rate, load.arrivals, seed);
        *lock(&started.pacer) = Some(Pacer::start(&started, due_times)?);
        Ok(started)
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    /// Stops sending, waits for answers, but not longer than the timeout or 2 s, and gives up the rest. Repeating it is
    /// harmless.
    pub(super) async fn stop(&self) {
        self.stop_within(self.timeout.min(LONGEST_DRAIN)).await;
    }

    /// As `stop`, but waits until every request was answered or had its timeout.
    pub(super) async fn stop_when_decided(&self) {
        // Timers of a busy machine are late.
        self.stop_within(self.timeout + LONGEST_DRAIN).await;
    }

    /// As `stop`, but waits for answers for so long.
    async fn stop_within(&self, longest: Duration) {
        let pacer = lock(&self.pacer).take();
        let mut thread = None;
        if let Some(pacer) = pacer {
            let (ending, over) = pacer.stop_pacing(self.clock.boot(), LONGEST_DRAIN).await;
            if !over {
                lock(&self.tally).at_fault("the sender did not end in time on this machine".to_owned());
            }
            thread = Some(ending);
        }
        let all_decided = async {
            loop {
                let decided = self.decided.notified();
                if lock(&self.tally).is_all_decided() {
                    break;
                }
                decided.await;
            }
        };
        // Running out of time is fine: what is left is given up.
        drop(tokio::time::timeout(longest, all_decided).await);
        lock(&self.tally).close(self.clock.boot());
        self.given_up.send_replace(true);
        self.pool.clear();
        if let Some(thread) = thread {
            // It wakes at once; a panic in it has been printed already.
            drop(tokio::task::spawn_blocking(move || thread.join()).await);
        }
        self.stopped.store(true, Ordering::SeqCst);
    }

    /// Ends it without waiting for anything: what is unanswered stays undecided.
    pub(super) fn abandon(&self) {
        drop(lock(&self.pacer).take());
        self.given_up.send_replace(true);
    }

    /// What was decided since the last call for this reader.
    ///
    /// # Errors
    /// When this machine could not send as it should have: the interval says nothing about the service.
    pub(super) fn read(&self, reader: &str, good: &LoadGood) -> Result<Increment, String> {
        let now = self.clock.boot();
        lock(&self.tally).read(reader, good, now)
    }

    pub(super) fn counts(&self) -> LoadCounts {
        lock(&self.tally).counts()
    }

    pub(super) fn timing(&self) -> LoadTiming {
        lock(&self.tally).timing()
    }

    pub(super) fn report(&self) -> LoadReport {
        lock(&self.tally).report()
    }
}

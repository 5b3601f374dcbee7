//! One client and what belongs to it.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{
            AtomicBool, AtomicU64,
            Ordering::{Relaxed, SeqCst},
        },
    },
    task::Poll,
};

use futures_util::task::AtomicWaker;

use crate::{
    hub::Hub,
    rule::Rule,
    timer::{self, Alarm},
    watch::{End, Watch},
};

/// One client's connection, from accept to end.
pub(crate) struct Connection {
    /// Counts the connections of this proxy from 1: what chance is keyed by.
    pub(crate) number: u64,
    pub(crate) hub: Arc<Hub>,
    /// When it was accepted, in monotonic nanoseconds.
    pub(crate) opened: u64,
    waker: AtomicWaker,
    reset: AtomicBool,
    closed: AtomicBool,
    finishing: AtomicBool,
    read: AtomicU64,
    /// Serials of the rules that swallowed bytes of it, and since when: without them it must not go on.
    silenced: Mutex<Vec<(u64, u64)>>,
    /// How many these are.
    silences: AtomicU64,
}

impl Connection {
    pub(crate) fn new(number: u64, hub: Arc<Hub>) -> Self {
        Self {
            number,
            hub,
            opened: timer::now(),
            waker: AtomicWaker::new(),
            reset: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            finishing: AtomicBool::new(false),
            read: AtomicU64::new(0),
            silenced: Mutex::default(),
            silences: AtomicU64::new(0),
        }
    }

    /// Does `work`, unless a rule ends the connection first. Then everything `work` holds is dropped; sockets of a
    /// connection that [`Connection::is_reset`] close with a reset, which both peers see, others in good order.
    pub(crate) async fn supervise(self: &Arc<Self>, work: impl Future<Output = ()>) {
        let mut work = pin!(work);
        let mut watch = Watch::new(Arc::clone(self));
        poll_fn(|cx| {
            // First, so that a change after the look at the rules wakes the task.
            self.waker.register(cx.waker());
            match watch.ends(cx) {
                Some(End::Reset) => self.reset(),
                Some(End::Close) => self.close(),
                None => {
                    let worked = work.as_mut().poll(cx);
                    return if self.closed.load(SeqCst) { Poll::Ready(()) } else { worked };
                }
            }
            Poll::Ready(())
        })
        .await;
    }

    /// Lets the connection look at the rules again.
    pub(crate) fn wake(&self) {
        self.waker.wake();
    }

    /// From now on its sockets close with a reset, not in good order.
    pub(crate) fn reset(&self) {
        self.reset.store(true, SeqCst);
    }

    pub(crate) fn is_reset(&self) -> bool {
        self.reset.load(SeqCst)
    }

    /// Ends it in good order, whatever is under way. Takes effect when the task that calls this has been polled.
    pub(crate) fn close(&self) {
        self.closed.store(true, SeqCst);
    }

    /// Ends it in good order once what was read from the client has been passed on.
    pub(crate) fn finish(&self) {
        self.finishing.store(true, SeqCst);
    }

    pub(crate) fn is_finishing(&self) -> bool {
        self.finishing.load(SeqCst)
    }

    /// Notes that a rule swallowed bytes of it. Whether this is the first time.
    pub(crate) fn silence(&self, serial: u64) -> bool {
        let mut silenced = self.silenced();
        let first = !silenced.iter().any(|(other, _)| *other == serial);
        if first {
            silenced.push((serial, timer::now()));
            self.silences.fetch_add(1, SeqCst);
            drop(silenced);
            // It may have to end a while after this.
            self.wake();
        }
        first
    }

    /// How many rules have swallowed bytes of it.
    pub(crate) fn silences(&self) -> u64 {
        self.silences.load(SeqCst)
    }

    /// When a rule first swallowed bytes of it, in monotonic nanoseconds.
    pub(crate) fn silent_since(&self, serial: u64) -> Option<u64> {
        self.silenced().iter().find(|(other, _)| *other == serial).map(|(_, since)| *since)
    }

    /// Whether bytes were swallowed by a rule that is not among these any more, or has let go of this connection.
    pub(crate) fn has_a_hole(&self, rules: &[Arc<Rule>]) -> bool {
        let holds = |serial| {
            let mut same = rules.iter().filter(|rule| rule.serial == serial);
            same.any(|rule| rule.chooses(self.number, 0))
        };
        self.silenced().iter().any(|(serial, _)| !holds(*serial))
    }

    fn silenced(&self) -> MutexGuard<'_, Vec<(u64, u64)>> {
        self.silenced.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes that came from the client so far.
    pub(crate) fn read(&self) -> u64 {
        self.read.load(Relaxed)
    }

    pub(crate) fn did_read(&self, bytes: usize) {
        self.read.fetch_add(u64::try_from(bytes).unwrap_or(0), Relaxed);
        self.hub.traffic.from_client.add(bytes);
    }

    pub(crate) fn alarm(&self) -> Alarm {
        Alarm::new(&self.hub.timers)
    }
}

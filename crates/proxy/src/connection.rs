//! One client and what belongs to it.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::{
        Arc,
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
    timer::{self, Alarm},
    watch::Watch,
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
    read: AtomicU64,
}

impl Connection {
    pub(crate) fn new(number: u64, hub: Arc<Hub>) -> Self {
        Self {
            number,
            hub,
            opened: timer::now(),
            waker: AtomicWaker::new(),
            reset: AtomicBool::new(false),
            read: AtomicU64::new(0),
        }
    }

    /// Does `work`, unless a rule cuts the connection first. Then everything `work` holds is dropped, and as sockets
    /// of a connection that [`Connection::is_reset`] close with a reset, both peers see one.
    pub(crate) async fn supervise(self: &Arc<Self>, work: impl Future<Output = ()>) {
        let mut work = pin!(work);
        let mut watch = Watch::new(Arc::clone(self));
        poll_fn(|cx| {
            // First, so that a change after the look at the rules wakes the task.
            self.waker.register(cx.waker());
            if watch.cuts(cx) {
                self.reset();
                return Poll::Ready(());
            }
            work.as_mut().poll(cx)
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

    /// Bytes that came from the client so far.
    pub(crate) fn read(&self) -> u64 {
        self.read.load(Relaxed)
    }

    pub(crate) fn did_read(&self, bytes: usize) {
        self.read.fetch_add(u64::try_from(bytes).unwrap_or(0), Relaxed);
        self.hub.carried(bytes);
    }

    pub(crate) fn alarm(&self) -> Alarm {
        Alarm::new(&self.hub.timers)
    }
}

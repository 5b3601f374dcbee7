//! Holds a request's body until the server asks for it: `Expect: 100-continue`.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU8, Ordering::SeqCst},
    },
    task::{Context, Poll},
};

use futures_util::task::AtomicWaker;

use super::PATIENCE;
use crate::{
    connection::Connection,
    timer::{self, Alarm, later},
};

const CLOSED: u8 = 0;
const OPEN: u8 = 1;
const REFUSED: u8 = 2;

/// Opens when the server says `100 Continue` or says nothing for a while; stays shut when it answers for good.
pub(super) struct Gate {
    state: AtomicU8,
    waker: AtomicWaker,
    alarm: Mutex<Alarm>,
    patience: u64,
}

impl Gate {
    pub(super) fn new(connection: &Connection) -> Self {
        Self {
            state: AtomicU8::new(CLOSED),
            waker: AtomicWaker::new(),
            alarm: Mutex::new(connection.alarm()),
            patience: later(timer::now(), PATIENCE),
        }
    }

    pub(super) fn open(&self) {
        self.settle(OPEN);
    }

    /// The answer came first. Whether the body had been let through by then.
    pub(super) fn refuse(&self) -> bool {
        self.settle(REFUSED) == OPEN
    }

    /// Ready when it is settled: whether the body may pass.
    pub(super) fn poll(&self, cx: &mut Context<'_>) -> Poll<bool> {
        self.waker.register(cx.waker());
        match self.state.load(SeqCst) {
            OPEN => Poll::Ready(true),
            REFUSED => Poll::Ready(false),
            _ => {
                let mut alarm = self.alarm.lock().unwrap_or_else(PoisonError::into_inner);
                alarm.poll_at(cx, self.patience).map(|()| self.settle(OPEN) == OPEN)
            }
        }
    }

    /// Only the first word counts: returns what it was.
    fn settle(&self, state: u8) -> u8 {
        let settled =
            self.state.compare_exchange(CLOSED, state, SeqCst, SeqCst).map_or_else(|first| first, |_| state);
        self.waker.wake();
        settled
    }
}

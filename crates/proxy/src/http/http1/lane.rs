//! What the requests of one client connection share.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{
        AtomicBool, AtomicU64,
        Ordering::{Relaxed, SeqCst},
    },
};

use hyper::{client::conn::http1::SendRequest, upgrade::OnUpgrade};

use super::{
    super::{current::Current, source::Source},
    Driver,
    outgoing::Outgoing,
};
use crate::connection::Connection;

/// The upstream side of a client connection, as its requests see it. They come one after the other.
pub(super) struct Lane {
    pub(super) current: Current,
    pub(super) source: Source,
    state: Mutex<State>,
    requests: AtomicU64,
    /// A request is between its head's arrival and its answer's head.
    exchanging: AtomicBool,
    /// A request's body is on its way.
    sending: AtomicBool,
    /// How much had been read when the last request made its last progress: more means that a new head is arriving.
    mark: AtomicU64,
}

#[derive(Default)]
struct State {
    sender: Option<SendRequest<Outgoing>>,
    driver: Option<Driver>,
    tunnel: Option<Tunnel>,
}

/// The two ends of a connection that stops speaking HTTP.
pub(super) struct Tunnel {
    pub(super) client: OnUpgrade,
    pub(super) server: OnUpgrade,
}

impl Lane {
    pub(super) fn new(connection: Arc<Connection>, source: Source) -> Self {
        Self {
            current: Current::new(connection),
            source,
            state: Mutex::default(),
            requests: AtomicU64::new(0),
            exchanging: AtomicBool::new(false),
            sending: AtomicBool::new(false),
            mark: AtomicU64::new(0),
        }
    }

    pub(super) fn connection(&self) -> &Arc<Connection> {
        &self.current.connection
    }

    /// Counts a request and keeps the lane busy until the returned value is dropped.
    pub(super) fn begin(self: &Arc<Self>) -> (u64, Exchanging) {
        self.exchanging.store(true, SeqCst);
        self.progress();
        (self.requests.fetch_add(1, Relaxed) + 1, Exchanging(Arc::clone(self)))
    }

    /// A request waits for its answer.
    pub(super) fn is_busy(&self) -> bool {
        self.exchanging.load(SeqCst)
    }

    /// Bytes arrived that belong to no request yet.
    pub(super) fn hears_a_head(&self) -> bool {
        !self.is_busy() && !self.sending.load(SeqCst) && self.connection().read() != self.mark.load(Relaxed)
    }

    pub(super) fn set_sending(&self, sending: bool) {
        self.sending.store(sending, SeqCst);
        self.progress();
    }

    fn progress(&self) {
        self.mark.store(self.connection().read(), Relaxed);
    }

    pub(super) fn take_sender(&self) -> Option<SendRequest<Outgoing>> {
        self.state().sender.take()
    }

    pub(super) fn keep_sender(&self, sender: SendRequest<Outgoing>) {
        self.state().sender = Some(sender);
    }

    pub(super) fn take_driver(&self) -> Option<Driver> {
        self.state().driver.take()
    }

    /// Hands a new upstream connection to whoever polls it.
    pub(super) fn hand_over(&self, driver: Driver) {
        self.state().driver = Some(driver);
    }

    pub(super) fn take_tunnel(&self) -> Option<Tunnel> {
        self.state().tunnel.take()
    }

    /// Both sides agreed to stop speaking HTTP.
    pub(super) fn set_tunnel(&self, tunnel: Tunnel) {
        self.state().tunnel = Some(tunnel);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request is being answered as long as this lives.
pub(super) struct Exchanging(Arc<Lane>);

impl Drop for Exchanging {
    fn drop(&mut self) {
        self.0.progress();
        self.0.exchanging.store(false, SeqCst);
    }
}

//! What the streams of one client connection share.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{
            AtomicBool, AtomicU64,
            Ordering::{Relaxed, SeqCst},
        },
    },
};

use futures_util::{FutureExt, future::Shared};
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::TokioIo;

use super::{
    super::{LARGEST_HEAD, current::Current, payload::Payload, source::Source},
    CONNECTION_WINDOW, SEND_BUFFER, STREAM_WINDOW, Within,
};
use crate::connection::Connection;

/// The upstream side of a client connection, as its streams see it.
pub(super) struct Streams {
    pub(super) current: Current,
    pub(super) within: Within,
    source: Arc<Source>,
    requests: AtomicU64,
    server: Mutex<Option<Dial>>,
    /// A server's connection ended, and the client has not been told.
    ended: Arc<AtomicBool>,
}

/// One connection to the server, which every stream that needs it waits for.
type Dial = Shared<Pin<Box<dyn Future<Output = Result<SendRequest<Payload>, Arc<io::Error>>> + Send>>>;

impl Streams {
    pub(super) fn new(connection: Arc<Connection>, source: Source, within: Within) -> Self {
        Self {
            current: Current::new(connection),
            within,
            source: Arc::new(source),
            requests: AtomicU64::new(0),
            server: Mutex::default(),
            ended: Arc::default(),
        }
    }

    /// Counts a request.
    pub(super) fn next(&self) -> u64 {
        self.requests.fetch_add(1, Relaxed) + 1
    }

    /// Whether a server's connection ended since this was asked last.
    pub(super) fn take_end(&self) -> bool {
        self.ended.swap(false, SeqCst)
    }

    /// The connection to the server: the one there is, or another when that failed or takes no more requests.
    pub(super) fn server(&self) -> Dial {
        let mut server = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        let usable = |dial: &&Dial| match dial.peek() {
            None => true,
            Some(dialled) => dialled.as_ref().is_ok_and(|sender| !sender.is_closed()),
        };
        if let Some(dial) = server.as_ref().filter(usable) {
            return dial.clone();
        }
        let (source, within) = (Arc::clone(&self.source), self.within.clone());
        let dial = dial(source, within, Arc::clone(&self.ended)).boxed().shared();
        *server = Some(dial.clone());
        dial
    }
}

async fn dial(
    source: Arc<Source>,
    within: Within,
    ended: Arc<AtomicBool>,
) -> Result<SendRequest<Payload>, Arc<io::Error>> {
    let upstream = source.connect().await?;
    let (sender, driver) = Builder::new(within.clone())
        .max_header_list_size(LARGEST_HEAD as u32)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(SEND_BUFFER)
        .handshake(TokioIo::new(upstream))
        .await
        .map_err(io::Error::other)?;
    within.run(async move {
        // How it ended is told to each of its streams.
        drop(driver.await);
        ended.store(true, SeqCst);
    });
    Ok(sender)
}

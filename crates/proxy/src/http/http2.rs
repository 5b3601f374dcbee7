//! HTTP/2: requests come side by side, each on a stream of its own.
//!
//! All streams of a connection live in its one task, so that they end with it and look at the rules when it does.

use std::{
    future::poll_fn,
    mem,
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use hyper::{server, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::mpsc::{UnboundedSender, unbounded_channel},
};

use self::streams::Streams;
use super::{LARGEST_HEAD, exchange::exchange, source::Source};
use crate::connection::Connection;

mod forward;
mod streams;

/// Streams a client may have open at once. More wait with the client.
const MOST_STREAMS: u32 = 128;
/// The most bytes of one stream's body, in one direction, that wait here for whoever reads them.
const STREAM_WINDOW: u32 = 256 * 1024;
/// The most bytes of one stream's body, in one direction, that wait here to be sent.
const SEND_BUFFER: usize = 128 * 1024;
/// Enough for all streams: one that is held keeps no byte from another.
const CONNECTION_WINDOW: u32 = MOST_STREAMS * STREAM_WINDOW;

/// What has to be polled for a connection's streams to move.
type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Runs what belongs to a connection within its task.
#[derive(Clone)]
struct Within(UnboundedSender<Task>);

impl Within {
    fn run(&self, task: impl Future<Output = ()> + Send + 'static) {
        // Fails when the connection has ended, and everything in it.
        self.0.send(Box::pin(task)).unwrap_or_default();
    }
}

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Within {
    fn execute(&self, task: F) {
        self.run(task);
    }
}

/// Serves one client until either side ends.
pub(super) async fn serve<S>(connection: Arc<Connection>, source: Source, wire: S)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (sender, mut begun) = unbounded_channel();
    let within = Within(sender);
    let streams = Arc::new(Streams::new(Arc::clone(&connection), source, within.clone()));
    let service = {
        let streams = Arc::clone(&streams);
        service_fn(move |request| exchange(Arc::clone(&streams), request))
    };
    let client = server::conn::http2::Builder::new(within)
        .auto_date_header(false)
        .max_header_list_size(LARGEST_HEAD as u32)
        .max_concurrent_streams(MOST_STREAMS)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(SEND_BUFFER)
        .serve_connection(TokioIo::new(wire), service);
    let mut client = pin!(client);
    let mut running = FuturesUnordered::new();
    let mut generation = 0;
    poll_fn(|cx| {
        loop {
            let served = client.as_mut().poll(cx).is_ready();
            if served || connection.is_reset() {
                return Poll::Ready(());
            }
            let now = connection.hub.generation();
            if generation != now {
                generation = now;
                // What is put in anew is polled: every stream looks at the rules.
                running = mem::take(&mut running).into_iter().collect();
            }
            while let Poll::Ready(Some(task)) = begun.poll_recv(cx) {
                running.push(task);
            }
            while let Poll::Ready(Some(())) = running.poll_next_unpin(cx) {}
            if !streams.take_end() {
                return Poll::Pending;
            }
            // The server takes no more requests: the client is told, and streams under way go on.
            client.as_mut().graceful_shutdown();
        }
    })
    .await;
}

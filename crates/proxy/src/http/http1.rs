//! HTTP/1.1: requests come one after the other.

use std::{
    future::{Future, poll_fn},
    io,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use hyper::{server, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use self::{head::HeadTimeout, lane::Lane};
use super::{LARGEST_HEAD, exchange::exchange, source::Source};
use crate::connection::Connection;

mod forward;
mod gate;
mod head;
mod lane;
mod outgoing;

/// How long a body whose sender asked first (`Expect: 100-continue`) waits for the server's permission.
const PATIENCE: Duration = Duration::from_secs(1);

/// The half of an upstream connection that must be polled for anything to move.
type Driver = Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>;

/// Serves one client until either side ends.
pub(super) async fn serve<S>(connection: Arc<Connection>, source: Source, wire: S)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let lane = Arc::new(Lane::new(Arc::clone(&connection), source));
    let service = {
        let lane = Arc::clone(&lane);
        service_fn(move |request| exchange(Arc::clone(&lane), request))
    };
    let client = server::conn::http1::Builder::new()
        .preserve_header_case(true)
        .auto_date_header(false)
        .max_header_size(LARGEST_HEAD)
        // Counts idle time too, which is the server's to limit: `HeadTimeout` counts heads only.
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(wire), service)
        .with_upgrades();
    let mut client = pin!(client);
    let mut link = Link { driver: None, ended: false };
    let mut head = HeadTimeout::new(&connection);
    poll_fn(|cx| {
        loop {
            if let Poll::Ready(served) = client.as_mut().poll(cx) {
                return Poll::Ready(served.is_ok());
            }
            let moved = link.poll(cx, &lane);
            if connection.is_reset() || head.is_over(cx, &lane) {
                return Poll::Ready(false);
            }
            if link.ended && !lane.is_busy() {
                // The request that crossed the server's end was read just now, or there was none.
                client.as_mut().graceful_shutdown();
                link.ended = false;
            } else if !moved {
                return Poll::Pending;
            }
        }
    })
    .await;
    if let Some(tunnel) = lane.take_tunnel() {
        // A tunnel that breaks ends like one that closes; a reset was noted below.
        drop(carry(tunnel, &mut link).await);
    }
}

/// The connection to the server, if there is one.
struct Link {
    driver: Option<Driver>,
    /// The server ended the connection and the client has not been told.
    ended: bool,
}

impl Link {
    /// Moves the upstream connection along. Whether its beginning or end calls for another look at the client.
    fn poll(&mut self, cx: &mut Context<'_>, lane: &Lane) -> bool {
        let mut moved = false;
        if let Some(fresh) = lane.take_driver() {
            self.driver = Some(fresh);
            self.ended = false;
            moved = true;
        }
        if let Some(driver) = &mut self.driver
            && driver.as_mut().poll(cx).is_ready()
        {
            self.driver = None;
            self.ended = true;
            moved = true;
        }
        moved
    }
}

/// Carries raw bytes after both sides agreed to stop speaking HTTP.
async fn carry(tunnel: lane::Tunnel, link: &mut Link) -> io::Result<()> {
    let mut ends = pin!(async { tokio::join!(tunnel.client, tunnel.server) });
    let (client, server) = poll_fn(|cx| {
        if let Some(driver) = &mut link.driver
            && driver.as_mut().poll(cx).is_ready()
        {
            link.driver = None;
        }
        let (client, server) = ready!(ends.as_mut().poll(cx));
        Poll::Ready(client.and_then(|client| Ok((client, server?))))
    })
    .await
    .map_err(io::Error::other)?;
    tokio::io::copy_bidirectional(&mut TokioIo::new(client), &mut TokioIo::new(server)).await?;
    Ok(())
}

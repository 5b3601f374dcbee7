//! The socket to the server behind the proxy.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use crate::{connection::Connection, pipe::Pipe, relay::Side};

/// A connection to the upstream, for one client.
pub(crate) struct Upstream {
    socket: TcpStream,
    connection: Arc<Connection>,
}

impl Upstream {
    pub(crate) async fn connect(connection: &Arc<Connection>) -> io::Result<Self> {
        let config = &connection.hub.config;
        let connecting = steadfast_names::connect_to(&config.upstream);
        let socket = tokio::time::timeout(config.limits.connect, connecting).await.map_err(|_| {
            io::Error::new(io::ErrorKind::TimedOut, "the connection was not answered in time")
        })??;
        socket.set_nodelay(true)?;
        Ok(Self { socket, connection: Arc::clone(connection) })
    }

    /// Notes a failure, so that the client sees it as one: a reset, not a quiet end.
    fn note<T>(&self, result: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if let Poll::Ready(Err(_)) = &result {
            self.connection.reset();
        }
        result
    }

    fn count(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(bytes)) = &written {
            self.connection.hub.traffic.to_server.add(*bytes);
        }
        written
    }
}

impl AsyncRead for Upstream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.socket).poll_read(cx, buffer);
        self.connection.hub.traffic.from_server.add(buffer.filled().len() - before);
        self.note(result)
    }
}

/// A failed write is not noted: the server may have answered before it closed, and the answer is still to be read.
/// Whether it closed or reset is what reading tells.
impl AsyncWrite for Upstream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write(cx, bytes);
        self.count(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write_vectored(cx, slices);
        self.count(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

impl Side for Upstream {
    fn poll_fill(&mut self, cx: &mut Context<'_>, pipe: &mut Pipe) -> Option<Poll<io::Result<usize>>> {
        let filled = pipe.poll_fill(cx, &self.socket);
        self.connection.hub.traffic.from_server.add(pipe.held());
        Some(self.note(filled))
    }

    fn poll_drain(&mut self, cx: &mut Context<'_>, pipe: &mut Pipe) -> Option<Poll<io::Result<usize>>> {
        let drained = pipe.poll_drain(cx, &self.socket);
        Some(self.count(drained))
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        if self.connection.is_reset() {
            // Fails on a socket that is dead anyway.
            drop(self.socket.set_zero_linger());
        }
    }
}

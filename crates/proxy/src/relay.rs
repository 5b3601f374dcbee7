//! Carries bytes between a client and the server, both ways, without looking at them.

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{connection::Connection, scratch, upstream::Upstream};

/// Connects to the server and carries bytes until both sides have ended. A server that cannot be reached, or a side
/// that fails, resets the client.
pub(crate) async fn relay<C>(connection: Arc<Connection>, mut client: C)
where
    C: AsyncRead + AsyncWrite + Unpin,
{
    let Ok(mut server) = Upstream::connect(&connection).await else {
        connection.reset();
        return;
    };
    let (mut up, mut down) = (Pump::default(), Pump::default());
    let carried = poll_fn(|cx| {
        let up = match up.poll(cx, &mut client, &mut server) {
            // The server takes no more. It may have answered before, so what it sent still counts.
            Poll::Ready(Err(_)) if !connection.is_reset() => {
                up.state = State::Ended;
                Poll::Ready(())
            }
            polled => polled?,
        };
        if up.is_ready() && connection.is_finishing() {
            return Poll::Ready(Ok(()));
        }
        let down = down.poll(cx, &mut server, &mut client)?;
        if up.is_ready() && down.is_ready() { Poll::Ready(io::Result::Ok(())) } else { Poll::Pending }
    });
    if carried.await.is_err() {
        connection.reset();
    }
}

/// One direction.
#[derive(Default)]
struct Pump {
    /// What was read but could not be written yet, from `at` on.
    rest: Vec<u8>,
    at: usize,
    state: State,
}

#[derive(Default)]
enum State {
    #[default]
    Carrying,
    Ending,
    Ended,
}

impl Pump {
    /// Ready when `from` has ended and `to` has been told.
    fn poll<R, W>(&mut self, cx: &mut Context<'_>, from: &mut R, to: &mut W) -> Poll<io::Result<()>>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        loop {
            if let State::Ended = self.state {
                return Poll::Ready(Ok(()));
            }
            while self.at < self.rest.len() {
                let written = ready!(Pin::new(&mut *to).poll_write(cx, &self.rest[self.at..]))?;
                if written == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                self.at += written;
            }
            if let State::Ending = self.state {
                ready!(Pin::new(&mut *to).poll_shutdown(cx))?;
                self.state = State::Ended;
                continue;
            }
            self.rest.clear();
            self.at = 0;
            let carried = scratch::with(|buffer| {
                let mut buffer = ReadBuf::new(buffer);
                ready!(Pin::new(&mut *from).poll_read(cx, &mut buffer))?;
                let bytes = buffer.filled();
                if bytes.is_empty() {
                    self.state = State::Ending;
                    return Poll::Ready(io::Result::Ok(()));
                }
                let written = match Pin::new(&mut *to).poll_write(cx, bytes) {
                    Poll::Ready(written) => written?,
                    Poll::Pending => 0,
                };
                self.rest.extend_from_slice(&bytes[written..]);
                Poll::Ready(Ok(()))
            });
            match carried {
                Poll::Ready(result) => result?,
                Poll::Pending => {
                    // Whatever the writer holds back must be on its way before this side sleeps.
                    if let Poll::Ready(result) = Pin::new(&mut *to).poll_flush(cx) {
                        result?;
                    }
                    return Poll::Pending;
                }
            }
        }
    }
}

//! Carries bytes between a client and the server, both ways, without looking at them.

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{begun::Begun, connection::Connection, pipe::Pipe, scratch, upstream::Upstream};

/// After so many chunks in a row that filled the buffer, what follows goes through a pipe.
const MUCH: u8 = 4;

/// One side of a connection. Where nothing disturbs its bytes they may go past this program.
pub(crate) trait Side: AsyncRead + AsyncWrite + Unpin {
    /// Moves what has come into an empty pipe; `None` when it has to be looked at.
    fn poll_fill(&mut self, _cx: &mut Context<'_>, _pipe: &mut Pipe) -> Option<Poll<io::Result<usize>>> {
        None
    }

    /// Moves what is in a pipe out; `None` when it has to be looked at.
    fn poll_drain(&mut self, _cx: &mut Context<'_>, _pipe: &mut Pipe) -> Option<Poll<io::Result<usize>>> {
        None
    }
}

/// What was looked at once is copied.
impl<S: AsyncRead + AsyncWrite + Unpin> Side for Begun<S> {}

/// Connects to the server and carries bytes until both sides have ended. A server that cannot be reached, or a side
/// that fails, resets the client.
pub(crate) async fn relay<C>(connection: Arc<Connection>, mut client: C)
where
    C: Side,
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
    /// How many chunks in a row filled the buffer, as far as it matters.
    full: u8,
    /// Holds what was read by it and is not written yet.
    pipe: Option<Pipe>,
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
        R: Side,
        W: Side,
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
            if self.pipe.is_some() || self.takes_pipe() {
                ready!(self.poll_pipe(cx, from, to))?;
                continue;
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
                self.full = if bytes.len() == scratch::SIZE { MUCH.min(self.full + 1) } else { 0 };
                let written = match Pin::new(&mut *to).poll_write(cx, bytes) {
                    Poll::Ready(written) => written?,
                    Poll::Pending => 0,
                };
                self.rest.extend_from_slice(&bytes[written..]);
                Poll::Ready(Ok(()))
            });
            match carried {
                Poll::Ready(result) => result?,
                Poll::Pending => return sleep(cx, to),
            }
        }
    }

    /// Whether this direction carries much and got a pipe for it. Without one it goes on copying.
    fn takes_pipe(&mut self) -> bool {
        if self.full < MUCH || !matches!(self.state, State::Carrying) {
            return false;
        }
        self.pipe = Pipe::take();
        if self.pipe.is_none() {
            self.full = 0;
        }
        self.pipe.is_some()
    }

    /// Carries by the pipe until little comes, or somebody has to look at it. While nothing comes others have the pipe.
    fn poll_pipe<R, W>(&mut self, cx: &mut Context<'_>, from: &mut R, to: &mut W) -> Poll<io::Result<()>>
    where
        R: Side,
        W: Side,
    {
        while let Some(pipe) = &mut self.pipe {
            if pipe.held() > 0 {
                match to.poll_drain(cx, pipe) {
                    Some(drained) => drop(ready!(drained)?),
                    None => {
                        pipe.empty_into(&mut self.rest)?;
                        (self.full, self.pipe) = (0, None);
                    }
                }
            } else if self.full < MUCH {
                self.pipe = None;
            } else {
                match from.poll_fill(cx, pipe) {
                    Some(Poll::Ready(filled)) => match filled? {
                        0 => (self.state, self.full) = (State::Ending, 0),
                        count if count < scratch::SIZE => self.full = 0,
                        _ => {}
                    },
                    Some(Poll::Pending) => {
                        self.pipe = None;
                        return sleep(cx, to);
                    }
                    None => self.full = 0,
                }
            }
        }
        Poll::Ready(Ok(()))
    }
}

/// Whatever the writer holds back must be on its way before this direction sleeps.
fn sleep<W: Side>(cx: &mut Context<'_>, to: &mut W) -> Poll<io::Result<()>> {
    if let Poll::Ready(result) = Pin::new(to).poll_flush(cx) {
        result?;
    }
    Poll::Pending
}

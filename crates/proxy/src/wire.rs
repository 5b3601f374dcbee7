//! The client's socket. Everything from and to the client passes here, so the `tcp*` faults on bytes live here for both
//! protocols.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use steadfast_model::proxy::{Protocol, Stream};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use crate::{
    connection::Connection,
    pipe::Pipe,
    relay::Side,
    scratch,
    wire::half::{Half, Next},
};

mod duty;
mod half;
mod pace;
mod pieces;

/// The client's socket with what rules hold back. Without such a rule it hands every call on to the socket.
pub(crate) struct Wire {
    socket: TcpStream,
    connection: Arc<Connection>,
    generation: u64,
    /// From the client: filled from the socket, emptied by the reader.
    inward: Half,
    /// To the client: filled by the writer, emptied into the socket.
    outward: Half,
}

impl Wire {
    pub(crate) fn new(socket: TcpStream, connection: Arc<Connection>) -> Self {
        let inward = Half::new(Stream::Upstream, &connection);
        let outward = Half::new(Stream::Downstream, &connection);
        Self { socket, connection, generation: 0, inward, outward }
    }

    fn look(&mut self) {
        let generation = self.connection.hub.generation();
        if generation != self.generation {
            self.generation = generation;
            let rules = self.connection.hub.rules();
            self.inward.look(&rules);
            self.outward.look(&rules);
        }
    }

    /// Moves what the socket has into the inward half, as far as there is room. Whether the socket wakes the task when it
    /// has more.
    fn fill(&mut self, cx: &mut Context<'_>) -> io::Result<bool> {
        while !self.inward.held.has_end() && self.inward.held.room() > 0 {
            let room = self.inward.held.room();
            let (socket, half) = (&mut self.socket, &mut self.inward);
            let read = scratch::with(|buffer| {
                let size = room.min(buffer.len());
                let mut buffer = ReadBuf::new(&mut buffer[..size]);
                ready!(Pin::new(socket).poll_read(cx, &mut buffer))?;
                half.take(buffer.filled());
                Poll::Ready(io::Result::Ok(buffer.filled().len()))
            });
            match read {
                Poll::Ready(result) => self.connection.did_read(result?),
                Poll::Pending => return Ok(true),
            }
        }
        Ok(false)
    }

    /// Moves what is due from the outward half into the socket. Ready when the half holds no bytes any more.
    fn drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.outward.held.is_empty() {
            match self.outward.next() {
                Next::End => break,
                // All was swallowed.
                Next::Nothing if self.outward.held.is_empty() => break,
                // A stream that was silenced has no end, and one with a hole is about to close.
                Next::Nothing => return Poll::Pending,
                Next::Wait(time) => ready!(self.outward.poll_at(cx, time)),
                Next::Bytes(count) => {
                    let bytes = &self.outward.held.front_bytes()[..count];
                    let written = ready!(Pin::new(&mut self.socket).poll_write(cx, bytes))?;
                    self.connection.hub.traffic.to_client.add(written);
                    if self.outward.left(written) {
                        self.connection.close();
                        return Poll::Pending;
                    }
                }
            }
        }
        Poll::Ready(Ok(()))
    }

    fn read_held(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            let wakes = self.fill(cx)?;
            match self.inward.next() {
                Next::Bytes(count) => {
                    let length = count.min(buffer.remaining());
                    buffer.put_slice(&self.inward.held.front_bytes()[..length]);
                    if self.inward.left(length) {
                        self.connection.finish();
                    }
                    return Poll::Ready(Ok(()));
                }
                Next::End => {
                    // A reader of HTTP has had what it can use; it would wait for an answer that nobody wants.
                    if self.connection.is_finishing() && self.connection.hub.config.protocol == Protocol::Http
                    {
                        self.connection.close();
                    }
                    return Poll::Ready(Ok(()));
                }
                Next::Wait(time) => ready!(self.inward.poll_at(cx, time)),
                Next::Nothing if self.inward.held.has_end() && !self.inward.cuts() => {
                    // A client that has gone does not wait for what was swallowed.
                    self.connection.close();
                    return Poll::Pending;
                }
                // What was swallowed made room: the socket is asked again, and wakes the task when it has nothing.
                Next::Nothing if !wakes && self.inward.held.is_empty() => {}
                Next::Nothing => return Poll::Pending,
            }
        }
    }

    fn poll_write_any(
        &mut self,
        cx: &mut Context<'_>,
        first: &[u8],
        direct: impl FnOnce(Pin<&mut TcpStream>, &mut Context<'_>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        self.look();
        if self.outward.is_clear() {
            let written = ready!(direct(Pin::new(&mut self.socket), cx))?;
            self.connection.hub.traffic.to_client.add(written);
            self.outward.passed(written);
            return Poll::Ready(Ok(written));
        }
        let drained = self.drain(cx)?;
        let length = self.outward.held.room().min(first.len()).min(scratch::SIZE);
        if length == 0 && !first.is_empty() {
            debug_assert!(drained.is_pending(), "an empty half has room");
            return Poll::Pending;
        }
        self.outward.take(&first[..length]);
        // Sets the alarm, as nobody may flush.
        if let Poll::Ready(result) = self.drain(cx) {
            result?;
        }
        Poll::Ready(Ok(length))
    }

    /// Notes how the connection failed: who is reset shall see the other side reset.
    fn note<T>(&self, result: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if let Poll::Ready(Err(_)) = &result {
            self.connection.reset();
        }
        result
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let wire = &mut *self;
        wire.look();
        if !wire.outward.held.is_empty() {
            // Readers do not always flush, yet held bytes must leave in time.
            let drained = wire.drain(cx);
            if matches!(drained, Poll::Ready(Err(_))) {
                return wire.note(drained);
            }
        }
        let result = if wire.inward.is_clear() {
            let before = buffer.filled().len();
            let result = Pin::new(&mut wire.socket).poll_read(cx, buffer);
            if let Poll::Ready(Ok(())) = result {
                let bytes = buffer.filled().len() - before;
                wire.connection.did_read(bytes);
                wire.inward.passed(bytes);
            }
            result
        } else {
            wire.read_held(cx, buffer)
        };
        wire.note(result)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = self.poll_write_any(cx, bytes, |socket, cx| socket.poll_write(cx, bytes));
        self.note(result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let first = slices.iter().find(|slice| !slice.is_empty()).map_or(&[][..], |slice| &**slice);
        let result = self.poll_write_any(cx, first, |socket, cx| socket.poll_write_vectored(cx, slices));
        self.note(result)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.look();
        let result = self.drain(cx);
        self.note(result)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let wire = &mut *self;
        wire.look();
        if !wire.outward.is_clear() {
            wire.outward.take_end();
            let drained = wire.drain(cx);
            if drained.is_pending() && wire.outward.is_silent() {
                // Nobody reads any more, and a client that leaves must be noticed.
                wire.fill(cx)?;
                if wire.inward.has_ended() && !wire.outward.cuts() {
                    wire.connection.close();
                }
            }
            ready!(wire.note(drained))?;
        } else {
            wire.outward.passed(0);
        }
        // A client that is gone has nothing to be told.
        Pin::new(&mut wire.socket).poll_shutdown(cx)
    }
}

impl Side for Wire {
    fn poll_fill(&mut self, cx: &mut Context<'_>, pipe: &mut Pipe) -> Option<Poll<io::Result<usize>>> {
        self.look();
        if !self.inward.is_clear() || !self.outward.held.is_empty() {
            return None;
        }
        let filled = pipe.poll_fill(cx, &self.socket);
        if let Poll::Ready(Ok(bytes)) = filled {
            self.connection.did_read(bytes);
            self.inward.passed(bytes);
        }
        Some(self.note(filled))
    }

    fn poll_drain(&mut self, cx: &mut Context<'_>, pipe: &mut Pipe) -> Option<Poll<io::Result<usize>>> {
        self.look();
        if !self.outward.is_clear() {
            return None;
        }
        let drained = pipe.poll_drain(cx, &self.socket);
        if let Poll::Ready(Ok(bytes)) = drained {
            self.connection.hub.traffic.to_client.add(bytes);
            self.outward.passed(bytes);
        }
        Some(self.note(drained))
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.connection.is_reset() {
            // Fails on a socket that is dead anyway.
            drop(self.socket.set_zero_linger());
        }
    }
}

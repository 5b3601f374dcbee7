//! Pipes of the kernel, through which many bytes at once go from socket to socket without being copied: see splice(2).

use std::{
    io,
    os::fd::OwnedFd,
    sync::{Mutex, PoisonError},
    task::{Context, Poll, ready},
};

use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice};
use tokio::{io::Interest, net::TcpStream};

/// Bytes a pipe holds at most. With the kernel's 64 KiB nothing is won over copying.
pub(crate) const SIZE: usize = 1024 * 1024;
/// Pipes of a process. More connections that carry much at once are carried by copying: the kernel lets a user without
/// privileges have 64 MiB of pipes.
const MOST: usize = 16;

/// Pipes that nobody uses, and how many there are in all.
static POOL: Mutex<(Vec<Ends>, usize)> = Mutex::new((Vec::new(), 0));

#[derive(Debug)]
struct Ends {
    read: OwnedFd,
    write: OwnedFd,
}

/// A pipe on loan.
#[derive(Debug)]
pub(crate) struct Pipe {
    ends: Option<Ends>,
    held: usize,
}

impl Pipe {
    /// One that is empty, if one can be had.
    pub(crate) fn take() -> Option<Self> {
        let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
        let ends = match pool.0.pop() {
            Some(ends) => ends,
            None if pool.1 < MOST => {
                let ends = Ends::new()?;
                pool.1 += 1;
                ends
            }
            None => return None,
        };
        Some(Self { ends: Some(ends), held: 0 })
    }

    /// How many bytes are in it.
    pub(crate) fn held(&self) -> usize {
        self.held
    }

    /// Moves what a socket has into the pipe, which is empty. 0 is the end of the stream.
    pub(crate) fn poll_fill(&mut self, cx: &mut Context<'_>, from: &TcpStream) -> Poll<io::Result<usize>> {
        debug_assert_eq!(self.held, 0, "a full pipe would look like an empty socket");
        let Some(ends) = &self.ends else { return Poll::Ready(Ok(0)) };
        loop {
            ready!(from.poll_read_ready(cx))?;
            let moving = || Ok(splice(from, None, &ends.write, None, SIZE, flags())?);
            match from.try_io(Interest::READABLE, moving) {
                Ok(count) => {
                    self.held = count;
                    return Poll::Ready(Ok(count));
                }
                Err(error) if is_passing(&error) => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    /// Moves what is in the pipe to a socket, as much as that takes.
    pub(crate) fn poll_drain(&mut self, cx: &mut Context<'_>, to: &TcpStream) -> Poll<io::Result<usize>> {
        let (Some(ends), held) = (&self.ends, self.held) else { return Poll::Ready(Ok(0)) };
        loop {
            ready!(to.poll_write_ready(cx))?;
            let moving = || Ok(splice(&ends.read, None, to, None, held, flags())?);
            match to.try_io(Interest::WRITABLE, moving) {
                Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Ok(count) => {
                    self.held -= count;
                    return Poll::Ready(Ok(count));
                }
                Err(error) if is_passing(&error) => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    /// What is in it, copied.
    pub(crate) fn empty_into(&mut self, bytes: &mut Vec<u8>) -> io::Result<()> {
        let Some(ends) = &self.ends else { return Ok(()) };
        let mut at = bytes.len();
        bytes.resize(at + self.held, 0);
        while self.held > 0 {
            let count = rustix::io::read(&ends.read, &mut bytes[at..])?;
            at += count;
            self.held -= count;
        }
        Ok(())
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        let Some(ends) = self.ends.take() else { return };
        let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
        // One with bytes of somebody in it is nobody's.
        if self.held == 0 {
            pool.0.push(ends);
        } else {
            pool.1 -= 1;
        }
    }
}

impl Ends {
    fn new() -> Option<Self> {
        let (read, write) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).ok()?;
        fcntl_setpipe_size(&write, SIZE).ok()?;
        Some(Self { read, write })
    }
}

fn flags() -> SpliceFlags {
    SpliceFlags::MOVE | SpliceFlags::NONBLOCK
}

/// Whether it is to be tried again, when the socket is ready.
fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, net::SocketAddr};

    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let connecting = TcpStream::connect(listener.local_addr().unwrap());
        let (one, other) = tokio::join!(connecting, listener.accept());
        (one.unwrap(), other.unwrap().0)
    }

    #[tokio::test]
    async fn bytes_go_through_a_pipe_or_come_out_of_it_as_they_went_in() {
        let ((mut sender, from), (to, mut receiver)) = (pair().await, pair().await);
        let mut pipe = Pipe::take().unwrap();
        sender.write_all(b"one").await.unwrap();
        assert_eq!(poll_fn(|cx| pipe.poll_fill(cx, &from)).await.unwrap(), 3);
        assert_eq!(poll_fn(|cx| pipe.poll_drain(cx, &to)).await.unwrap(), 3);
        let mut bytes = [0; 3];
        receiver.read_exact(&mut bytes).await.unwrap();
        assert_eq!((&bytes, pipe.held()), (b"one", 0));

        sender.write_all(b"two").await.unwrap();
        poll_fn(|cx| pipe.poll_fill(cx, &from)).await.unwrap();
        let mut bytes = b"and ".to_vec();
        pipe.empty_into(&mut bytes).unwrap();
        assert_eq!((bytes.as_slice(), pipe.held()), (&b"and two"[..], 0));

        drop(sender);
        assert_eq!(poll_fn(|cx| pipe.poll_fill(cx, &from)).await.unwrap(), 0, "the end");
    }

    #[tokio::test]
    async fn a_pipe_is_used_again_unless_bytes_are_left_in_it() {
        let (mut sender, from) = pair().await;
        sender.write_all(b"secret").await.unwrap();
        let mut pipe = Pipe::take().unwrap();
        poll_fn(|cx| pipe.poll_fill(cx, &from)).await.unwrap();
        drop(pipe);
        // All that can be had, as other tests have some too.
        let mut all: Vec<Pipe> = std::iter::from_fn(Pipe::take).collect();
        assert!(all.len() <= MOST);
        for pipe in &mut all {
            let mut bytes = [0; 8];
            let read = &pipe.ends.as_ref().unwrap().read;
            assert_eq!(rustix::io::read(read, &mut bytes), Err(rustix::io::Errno::AGAIN));
        }
    }
}

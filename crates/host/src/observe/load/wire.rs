//! A connection that carries one request after another.

use std::{
    pin::Pin,
    task::{Context, Waker},
};

use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadBuf};

use super::answer::Answer;
use crate::observe::{connect::Stream, error::ExchangeError};

/// So much is read at once.
const PIECE: usize = 8 * 1024;

/// An open connection with nothing under way.
pub(super) struct Wire {
    stream: Box<dyn Stream>,
    /// Read and not understood yet. Empty between answers.
    buffer: Vec<u8>,
}

/// Why a request has no answer.
pub(super) enum NoAnswer {
    /// The connection took none of it: another may.
    NotSent,
    /// It may have been received.
    Failed(ExchangeError),
}

impl Wire {
    pub(super) fn new(stream: Box<dyn Stream>) -> Self {
        Self { stream, buffer: Vec::new() }
    }

    /// Whether the other side has neither closed it nor said anything unasked.
    pub(super) fn is_quiet(&mut self) -> bool {
        let mut byte = [0];
        let mut byte = ReadBuf::new(&mut byte);
        let mut nobody = Context::from_waker(Waker::noop());
        Pin::new(&mut *self.stream).poll_read(&mut nobody, &mut byte).is_pending()
    }

    /// Sends a request and reads its whole answer: the status, and the connection when it may be used again.
    pub(super) async fn ask(
        mut self,
        request: &[u8],
        head_only: bool,
    ) -> Result<(u16, Option<Self>), NoAnswer> {
        let written = self.send(request).await?;
        let answer = self.receive(head_only).await;
        match (answer, written) {
            // Whoever answers before it has read everything may close: what it said counts.
            (Ok(answer), written) => {
                let keeps = written.is_ok() && answer.keeps() && self.buffer.is_empty();
                Ok((answer.status(), keeps.then_some(self)))
            }
            (Err(_), Err(unwritten)) => Err(NoAnswer::Failed(unwritten)),
            (Err(failed), Ok(())) => Err(NoAnswer::Failed(failed)),
        }
    }

    /// Whether all was written; an error when nothing was.
    async fn send(&mut self, request: &[u8]) -> Result<Result<(), ExchangeError>, NoAnswer> {
        let first = match self.stream.write(request).await {
            Ok(0) | Err(_) => return Err(NoAnswer::NotSent),
            Ok(first) => first,
        };
        let rest = async {
            self.stream.write_all(&request[first..]).await?;
            self.stream.flush().await
        };
        Ok(rest.await.map_err(|error| ExchangeError::of_io(&error)))
    }

    async fn receive(&mut self, head_only: bool) -> Result<Answer, ExchangeError> {
        let mut answer = Answer::new(head_only);
        loop {
            self.buffer.reserve(PIECE);
            let read = self.stream.read_buf(&mut self.buffer).await;
            if read.map_err(|error| ExchangeError::of_io(&error))? == 0 {
                let closed = || ExchangeError::of_io(&std::io::ErrorKind::UnexpectedEof.into());
                return if answer.is_whole_when_closed() { Ok(answer) } else { Err(closed()) };
            }
            let taken = answer.take(&self.buffer).map_err(ExchangeError::Theirs)?;
            self.buffer.drain(..taken);
            if answer.is_whole() {
                return Ok(answer);
            }
        }
    }
}

//! Bodies, as they are or changed on their way.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};

use crate::{draw, rule::Rule};

/// The body of a request to the server, or of an answer to the client.
pub(super) enum Payload {
    /// The sender's, unchanged.
    Carried(Incoming),
    /// One of ours.
    Own(Option<Bytes>),
    /// The sender's, of which a part passes.
    Shortened(Shortened),
    /// The sender's, with bits flipped.
    Corrupted(Corrupted),
}

/// The first bytes of a body, and then others. The last of them wait for the end of the sender's body, which is read
/// away, so that its connection can be used again.
pub(super) struct Shortened {
    pub(super) body: Incoming,
    /// How many bytes still pass.
    pub(super) left: u64,
    /// What follows when the sender's body has ended.
    pub(super) tail: Bytes,
    /// Whose doing it is, until it has been counted.
    pub(super) rule: Option<Arc<Rule>>,
    /// The length of the whole, if it is known.
    pub(super) length: Option<u64>,
}

/// A body with one bit flipped in some of its bytes.
pub(super) struct Corrupted {
    pub(super) body: Incoming,
    /// What chance is keyed by, besides the place in the body.
    pub(super) key: u64,
    /// The share of bytes.
    pub(super) share: f64,
    /// The place of the next byte.
    pub(super) at: u64,
    pub(super) rule: Option<Arc<Rule>>,
}

impl Payload {
    /// A body of ours.
    pub(super) fn own(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self::Own((!bytes.is_empty()).then_some(bytes))
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        match &mut *self {
            Self::Carried(body) => Pin::new(body).poll_frame(cx),
            Self::Own(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Shortened(body) => body.poll_frame(cx),
            Self::Corrupted(body) => body.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Carried(body) => body.is_end_stream(),
            Self::Own(bytes) => bytes.is_none(),
            Self::Shortened(body) => body.tail.is_empty() && body.body.is_end_stream(),
            Self::Corrupted(corrupted) => corrupted.body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Carried(body) => body.size_hint(),
            Self::Own(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Shortened(body) => body.length.map_or_else(SizeHint::new, SizeHint::with_exact),
            Self::Corrupted(corrupted) => corrupted.body.size_hint(),
        }
    }
}

impl Shortened {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        loop {
            let Some(frame) = ready!(Pin::new(&mut self.body).poll_frame(cx)?) else {
                let tail = std::mem::take(&mut self.tail);
                return Poll::Ready((!tail.is_empty()).then(|| Ok(Frame::data(tail))));
            };
            // Trailers speak of the whole body, which does not pass.
            let Ok(mut bytes) = frame.into_data() else { continue };
            let length = bytes.len() as u64;
            if length > self.left
                && let Some(rule) = self.rule.take()
            {
                rule.hit();
            }
            if length < self.left {
                self.left -= length;
                if !bytes.is_empty() {
                    return Poll::Ready(Some(Ok(Frame::data(bytes))));
                }
            } else if self.left > 0 {
                bytes.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
                self.left = 0;
                self.tail = bytes;
            }
        }
    }
}

impl Corrupted {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx)?);
        Poll::Ready(frame.map(|frame| {
            Ok(match frame.into_data() {
                Ok(bytes) => Frame::data(self.corrupt(&bytes)),
                Err(trailers) => trailers,
            })
        }))
    }

    fn corrupt(&mut self, bytes: &[u8]) -> Bytes {
        let mut bytes = bytes.to_vec();
        for byte in &mut bytes {
            let at = self.at;
            self.at += 1;
            if draw::fraction(&[self.key, at]) < self.share {
                *byte ^= 1 << (draw::draw(&[self.key, at, 1]) % 8);
                if let Some(rule) = self.rule.take() {
                    rule.hit();
                }
            }
        }
        bytes.into()
    }
}

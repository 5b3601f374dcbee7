//! A request's body on its way to the server.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use hyper::body::{Body, Bytes, Frame, SizeHint};

use super::{super::payload::Payload, gate::Gate, lane::Lane};

/// The client's body, perhaps behind a gate. The lane knows as long as it is on its way.
pub(super) struct Outgoing {
    /// None after the gate was refused: the body was dropped unread, and the server waits for it in vain.
    body: Option<Payload>,
    gate: Option<Arc<Gate>>,
    lane: Arc<Lane>,
}

impl Outgoing {
    pub(super) fn new(body: Payload, gate: Option<Arc<Gate>>, lane: &Arc<Lane>) -> Self {
        lane.set_sending(true);
        Self { body: Some(body), gate, lane: Arc::clone(lane) }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        if let Some(gate) = &self.gate {
            let may_pass = ready!(gate.poll(cx));
            self.gate = None;
            if !may_pass {
                self.body = None;
            }
        }
        match &mut self.body {
            Some(body) => Pin::new(body).poll_frame(cx),
            None => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_some_and(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(SizeHint::new, Body::size_hint)
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        self.lane.set_sending(false);
    }
}

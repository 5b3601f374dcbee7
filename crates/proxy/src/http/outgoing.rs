//! A request's body on its way to the server.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};

use super::{gate::Gate, lane::Lane};

/// The client's body, perhaps behind a gate. The lane knows as long as it is on its way.
pub(super) struct Outgoing {
    body: Incoming,
    gate: Option<Arc<Gate>>,
    lane: Arc<Lane>,
}

impl Outgoing {
    pub(super) fn new(body: Incoming, gate: Option<Arc<Gate>>, lane: &Arc<Lane>) -> Self {
        lane.set_sending(true);
        Self { body, gate, lane: Arc::clone(lane) }
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
            ready!(gate.poll(cx));
            self.gate = None;
        }
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        self.lane.set_sending(false);
    }
}

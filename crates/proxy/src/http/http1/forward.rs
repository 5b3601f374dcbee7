//! How a request gets to the server and its answer back.

use std::{future::pending, io, sync::Arc};

use hyper::{
    HeaderMap, Method, Request, StatusCode,
    body::{Body, Bytes, Incoming},
    client::conn::http1::{Builder, SendRequest},
    header::{CONNECTION, EXPECT, HeaderValue, UPGRADE},
};
use hyper_util::rt::TokioIo;

use super::{
    super::{
        Broken, Carrier, Forwarded, LARGEST_HEAD,
        answer::{Answer, read_away, unreachable},
        current::Current,
        payload::Payload,
    },
    gate::Gate,
    lane::{Exchanging, Lane, Tunnel},
    outgoing::Outgoing,
};
impl Carrier for Lane {
    type Busy = Exchanging;

    fn current(&self) -> &Current {
        &self.current
    }

    fn begin(self: &Arc<Self>) -> (u64, Exchanging) {
        Self::begin(self)
    }

    async fn forward(self: &Arc<Self>, request: Request<Payload>) -> Result<Forwarded, Broken> {
        forward(self, request).await
    }

    async fn finish_reading(&self, request: Request<Incoming>) {
        finish_reading(request).await;
    }

    /// Closes the connection. Whoever waits for this is dropped with it.
    async fn abort(&self) -> Broken {
        self.connection().close();
        pending().await
    }
}

async fn forward(lane: &Arc<Lane>, mut request: Request<Payload>) -> Result<Forwarded, Broken> {
    let leaves_http = request.method() == Method::CONNECT || request.headers().contains_key(UPGRADE);
    let is_connect = request.method() == Method::CONNECT;
    let client = leaves_http.then(|| hyper::upgrade::on(&mut request));
    let mut sender = match reuse(lane).await {
        Some(sender) => sender,
        None => match dial(lane).await {
            Ok(sender) => sender,
            Err(error) => return Ok(Forwarded::Ours(cannot_reach(lane, &error, request).await)),
        },
    };
    let gate =
        wants_permission(request.headers(), request.body()).then(|| Arc::new(Gate::new(lane.connection())));
    if let Some(gate) = &gate {
        let gate = Arc::clone(gate);
        hyper::ext::on_informational(&mut request, move |interim| {
            if interim.status() == StatusCode::CONTINUE {
                gate.open();
            }
        });
    }
    let request = request.map(|body| Outgoing::new(body, gate.clone(), lane));
    let mut response = match sender.try_send_request(request).await {
        Ok(response) => response,
        Err(mut unsent) => {
            // The connection ended in the moment before: not a byte of the request left, so it may be sent again.
            let Some(request) = unsent.take_message() else { return Err(unsent.into_error().into()) };
            sender = match dial(lane).await {
                Ok(sender) => sender,
                Err(error) => return Ok(Forwarded::Ours(unreachable(lane.connection(), &error))),
            };
            sender.send_request(request).await?
        }
    };
    if gate.is_some_and(|gate| !gate.refuse()) {
        // The body was never asked for, so neither connection has a defined place to go on from.
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    } else {
        lane.keep_sender(sender);
    }
    let agreed =
        response.status() == StatusCode::SWITCHING_PROTOCOLS || is_connect && response.status().is_success();
    let client = client.filter(|_| agreed);
    let leaves_http = client.is_some();
    if let Some(client) = client {
        let server = hyper::upgrade::on(&mut response);
        lane.set_tunnel(Tunnel { client, server });
    }
    Ok(Forwarded::Theirs { response, leaves_http })
}

/// The upstream connection of the request before, if it still stands.
async fn reuse(lane: &Lane) -> Option<SendRequest<Outgoing>> {
    let mut sender = lane.take_sender()?;
    sender.ready().await.ok()?;
    Some(sender)
}

async fn dial(lane: &Arc<Lane>) -> io::Result<SendRequest<Outgoing>> {
    let upstream = lane.source.connect().await?;
    let (sender, driver) = Builder::new()
        .preserve_header_case(true)
        .max_header_size(LARGEST_HEAD)
        .handshake(TokioIo::new(upstream))
        .await
        .map_err(io::Error::other)?;
    lane.hand_over(Box::pin(driver.with_upgrades()));
    Ok(sender)
}

async fn cannot_reach(lane: &Lane, error: &io::Error, request: Request<Payload>) -> Answer {
    finish_reading(request).await;
    unreachable(lane.connection(), error)
}

/// Reads the body away, unless its sender waits to be asked for it.
async fn finish_reading(request: Request<impl Body<Data = Bytes> + Unpin>) {
    if !wants_permission(request.headers(), request.body()) {
        read_away(request.into_body()).await;
    }
}

fn wants_permission(headers: &HeaderMap, body: &impl Body) -> bool {
    let expects =
        headers.get(EXPECT).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"));
    expects && !body.is_end_stream()
}

//! One request and its answer.

use std::{io, sync::Arc};

use hyper::{
    HeaderMap, Method, Request, Response, StatusCode,
    body::{Body, Bytes, Incoming},
    client::conn::http1::{Builder, SendRequest},
    header::{CONNECTION, EXPECT, HeaderValue, UPGRADE},
};
use hyper_util::rt::TokioIo;
use steadfast_model::proxy::Side;

use super::{
    LARGEST_HEAD,
    answer::{Answer, read_away, unreachable},
    faults::Picked,
    gate::Gate,
    lane::{Lane, Tunnel},
    outgoing::Outgoing,
    payload::Payload,
};
use crate::upstream::Upstream;

/// Answers a request. An error ends the client's connection without an answer, as the server ended the proxy's.
pub(super) async fn exchange(lane: Arc<Lane>, request: Request<Incoming>) -> Result<Answer, hyper::Error> {
    let (number, _exchanging) = lane.begin();
    lane.connection.hub.requested();
    let picked = Picked::pick(&lane, &request, number);
    if picked.is_empty() {
        return Ok(match forward(&lane, request.map(Payload::Carried)).await? {
            Forwarded::Theirs(response) => response.map(Payload::Carried),
            Forwarded::Ours(answer) => answer,
        });
    }
    picked.hold(&lane, Side::Request).await;
    if picked.aborts(&lane, Side::Request) {
        finish_reading(request).await;
        return abort(&lane).await;
    }
    if let Some(answer) = picked.answer(&lane) {
        finish_reading(request).await;
        return Ok(answer);
    }
    let is_head = request.method() == Method::HEAD;
    let (mut parts, body) = request.into_parts();
    picked.change_headers(&lane, Side::Request, &mut parts.headers);
    let body = picked.change_body(&lane, Side::Request, &mut parts.headers, body);
    let response = match forward(&lane, Request::from_parts(parts, body)).await? {
        Forwarded::Theirs(response) => response,
        // Faults on responses are about the server's.
        Forwarded::Ours(answer) => return Ok(answer),
    };
    picked.hold(&lane, Side::Response).await;
    if picked.aborts(&lane, Side::Response) {
        return abort(&lane).await;
    }
    let (mut parts, body) = response.into_parts();
    picked.change_headers(&lane, Side::Response, &mut parts.headers);
    let body = if is_head || is_bodiless(parts.status) || lane.leaves_http() {
        Payload::Carried(body)
    } else {
        picked.change_body(&lane, Side::Response, &mut parts.headers, body)
    };
    Ok(Response::from_parts(parts, body))
}

/// Closes the connection. Whoever waits for this is dropped with it.
async fn abort(lane: &Lane) -> Result<Answer, hyper::Error> {
    lane.connection.close();
    std::future::pending().await
}

/// Statuses whose answers have no body, whatever their headers say: RFC 9110, sections 15.3.5 and 15.4.5.
fn is_bodiless(status: StatusCode) -> bool {
    status.is_informational() || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}

/// Whose answer it is.
enum Forwarded {
    Theirs(Response<Incoming>),
    /// The server cannot be reached.
    Ours(Answer),
}

async fn forward(lane: &Arc<Lane>, mut request: Request<Payload>) -> Result<Forwarded, hyper::Error> {
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
        wants_permission(request.headers(), request.body()).then(|| Arc::new(Gate::new(&lane.connection)));
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
            let Some(request) = unsent.take_message() else { return Err(unsent.into_error()) };
            sender = match dial(lane).await {
                Ok(sender) => sender,
                Err(error) => return Ok(Forwarded::Ours(unreachable_answer(lane, &error))),
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
    if let Some(client) = client.filter(|_| agreed) {
        let server = hyper::upgrade::on(&mut response);
        lane.set_tunnel(Tunnel { client, server });
    }
    Ok(Forwarded::Theirs(response))
}

/// The upstream connection of the request before, if it still stands.
async fn reuse(lane: &Lane) -> Option<SendRequest<Outgoing>> {
    let mut sender = lane.take_sender()?;
    sender.ready().await.ok()?;
    Some(sender)
}

async fn dial(lane: &Arc<Lane>) -> io::Result<SendRequest<Outgoing>> {
    let upstream = Upstream::connect(&lane.connection).await?;
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
    unreachable_answer(lane, error)
}

fn unreachable_answer(lane: &Lane, error: &io::Error) -> Answer {
    let config = &lane.connection.hub.config;
    unreachable(&config.name, &config.upstream, error)
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

//! One request and its answer.

use std::sync::Arc;

use hyper::{Method, Request, Response, StatusCode, body::Incoming};
use steadfast_model::proxy::Side;

use super::{Broken, Carrier, Forwarded, answer::Answer, faults::Picked, payload::Payload};

/// Answers a request. An error ends the exchange without an answer: the client's connection with HTTP/1.1, its stream with
/// HTTP/2.
pub(super) async fn exchange<C: Carrier>(
    carrier: Arc<C>,
    request: Request<Incoming>,
) -> Result<Answer, Broken> {
    let (number, _busy) = carrier.begin();
    let current = carrier.current();
    current.connection.hub.requested();
    let picked = Picked::pick(current, &request, number);
    if picked.is_empty() {
        return Ok(match carrier.forward(request.map(Payload::Carried)).await? {
            Forwarded::Theirs { response, .. } => response.map(Payload::Carried),
            Forwarded::Ours(answer) => answer,
        });
    }
    picked.hold(current, Side::Request).await;
    if picked.aborts(current, Side::Request) {
        carrier.finish_reading(request).await;
        return Err(carrier.abort().await);
    }
    if let Some(answer) = picked.answer(current) {
        carrier.finish_reading(request).await;
        return Ok(answer);
    }
    let is_head = request.method() == Method::HEAD;
    let (mut parts, body) = request.into_parts();
    picked.change_headers(current, Side::Request, &mut parts.headers);
    let body = picked.change_body(current, Side::Request, &mut parts.headers, body);
    let (response, leaves_http) = match carrier.forward(Request::from_parts(parts, body)).await? {
        Forwarded::Theirs { response, leaves_http } => (response, leaves_http),
        // Faults on responses are about the server's.
        Forwarded::Ours(answer) => return Ok(answer),
    };
    picked.hold(current, Side::Response).await;
    if picked.aborts(current, Side::Response) {
        return Err(carrier.abort().await);
    }
    let (mut parts, body) = response.into_parts();
    picked.change_headers(current, Side::Response, &mut parts.headers);
    let body = if is_head || is_bodiless(parts.status) || leaves_http {
        Payload::Carried(body)
    } else {
        picked.change_body(current, Side::Response, &mut parts.headers, body)
    };
    Ok(Response::from_parts(parts, body))
}

/// Statuses whose answers have no body, whatever their headers say: RFC 9110, sections 15.3.5 and 15.4.5.
fn is_bodiless(status: StatusCode) -> bool {
    status.is_informational() || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}

//! Answers the proxy gives itself.

use std::io;

use http_body_util::BodyExt;
use hyper::{
    Response, StatusCode,
    body::{Body, Bytes},
    header::{CONTENT_TYPE, HeaderValue},
};

use super::payload::Payload;
use crate::{ProxyConfig, connection::Connection};

/// The server's answer or ours.
pub(super) type Answer = Response<Payload>;

/// The most of a request's body that is read before it is answered here. A client that has sent more may see a reset
/// instead of the answer, as with a server that answers early and closes.
const READ_BEFORE_ANSWER: usize = 16 * 1024 * 1024;

/// An answer with a text body.
pub(super) fn answer(status: StatusCode, body: String) -> Answer {
    let empty = body.is_empty();
    let mut response = Response::new(Payload::own(body));
    *response.status_mut() = status;
    if !empty {
        let plain = HeaderValue::from_static("text/plain; charset=utf-8");
        response.headers_mut().insert(CONTENT_TYPE, plain);
    }
    response
}

/// The answer when the server cannot be reached.
pub(super) fn unreachable(connection: &Connection, error: &io::Error) -> Answer {
    let ProxyConfig { name, upstream, .. } = &connection.hub.config;
    answer(StatusCode::BAD_GATEWAY, format!("proxy {name} could not reach {upstream}: {error}\n"))
}

/// Reads what the client still sends, so that it is listening when the answer comes.
pub(super) async fn read_away(mut body: impl Body<Data = Bytes> + Unpin) {
    let mut read = 0;
    while let Some(Ok(frame)) = body.frame().await {
        read += frame.data_ref().map_or(0, Bytes::len);
        if read > READ_BEFORE_ANSWER {
            return;
        }
    }
}

//! The endpoints, and what all of them do.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Request, State, rejection::BytesRejection},
    http::{HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use serde::Serialize;
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::{
    collection::Collection,
    metrics,
    refusal::{Refusal, plain},
};

mod proxies;
mod toxics;

/// The largest body of a request, in bytes: 1 MiB.
pub const LARGEST_BODY: usize = 1 << 20;
/// How long a request may take, with its body.
const PATIENCE: Duration = Duration::from_secs(25);
/// Whose API this is, and whose program: a version that others can compare, with what it is built of.
const VERSION: &str = concat!("2.12.0+steadfast.", env!("CARGO_PKG_VERSION"));

/// What all requests share.
pub(crate) struct Shared {
    pub(crate) collection: Mutex<Collection>,
    pub(crate) allow_remote: bool,
}

pub(crate) type Api = State<Arc<Shared>>;
/// What was sent, if it was not too much.
pub(crate) type Body = Result<Bytes, BytesRejection>;
pub(crate) type Answer = Result<Response, Refusal>;

pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/reset", post(proxies::reset))
        .route("/proxies", get(proxies::index).post(proxies::create))
        .route("/populate", post(proxies::populate))
        .route(
            "/proxies/{proxy}",
            get(proxies::show).post(proxies::update).patch(proxies::update).delete(proxies::delete),
        )
        .route("/proxies/{proxy}/toxics", get(toxics::index).post(toxics::create))
        .route(
            "/proxies/{proxy}/toxics/{toxic}",
            get(toxics::show).post(toxics::update).patch(toxics::update).delete(toxics::delete),
        )
        .route("/version", get(version))
        .route("/metrics", get(count))
        .fallback(async || plain(StatusCode::NOT_FOUND, "404 page not found\n".to_owned()))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(middleware::from_fn(guard))
        .with_state(shared)
}

/// Keeps browsers out, whose pages could reach this machine's loopback; gives every answer a number and an end.
async fn guard(request: Request, next: Next) -> Response {
    let agent = request.headers().get(header::USER_AGENT);
    let mut response = if agent.is_some_and(|agent| agent.as_bytes().starts_with(b"Mozilla/")) {
        plain(StatusCode::FORBIDDEN, "User agent not allowed\n".to_owned())
    } else {
        tokio::time::timeout(PATIENCE, next.run(request)).await.unwrap_or_else(|_| {
            let page = "<html><head><title>Timeout</title></head><body><h1>Timeout</h1></body></html>";
            (StatusCode::SERVICE_UNAVAILABLE, Html(page)).into_response()
        })
    };
    if let Ok(id) = HeaderValue::from_str(&Uuid::now_v7().simple().to_string()) {
        response.headers_mut().insert("x-toxiproxy-request-id", id);
    }
    response
}

async fn version() -> Response {
    let body = format!("{{\"version\": \"{VERSION}\"}}\n");
    ([(header::CONTENT_TYPE, "application/json;charset=utf-8")], body).into_response()
}

async fn count(State(shared): Api) -> Response {
    let page = metrics::page(&*shared.collection.lock().await);
    ([(header::CONTENT_TYPE, metrics::TYPE)], page).into_response()
}

/// A value as JSON.
fn json(status: StatusCode, value: &impl Serialize) -> Answer {
    let body = serde_json::to_vec(value)
        .map_err(|error| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    Ok((status, [(header::CONTENT_TYPE, "application/json")], body).into_response())
}

fn bytes(body: Body) -> Result<Bytes, Refusal> {
    body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("bad request body: it has more than {LARGEST_BODY} bytes"),
        ),
        _ => Refusal::body(rejection.body_text()),
    })
}

/// Carries a change out whole, also when the client goes away meanwhile.
async fn whole(change: impl Future<Output = Answer> + Send + 'static) -> Answer {
    tokio::spawn(change).await.unwrap_or_else(|error| {
        Err(Refusal::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            format!("the change was not carried out: {error}"),
        ))
    })
}

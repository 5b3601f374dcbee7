//! HTTP/2 through the proxy: what passes, faults on one stream of many, and how things end.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::{
    HeaderMap, Request, Response,
    body::{Bytes, Frame, Incoming},
    client::conn::http2::SendRequest,
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;
use steadfast_model::proxy::Protocol;
use tokio::{net::TcpStream, sync::Notify, time::timeout};

use crate::support::{Running, http_status, now, server, told};

pub(crate) type Body = BoxBody<Bytes, Infallible>;

pub(crate) fn body(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).boxed()
}

/// A body that ends with a trailer.
fn with_trailer(bytes: impl Into<Bytes>, value: &'static str) -> Body {
    let mut trailers = HeaderMap::new();
    trailers.insert("x-trailer", value.parse().unwrap());
    let frames = [Frame::data(bytes.into()), Frame::trailers(trailers)];
    StreamBody::new(futures_util::stream::iter(frames.map(Ok::<_, Infallible>))).boxed()
}

#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) requests: AtomicU64,
    /// Told to leave: connections are closed when what is under way is done.
    pub(crate) leave: Notify,
    pub(crate) given_up: AtomicU64,
}

/// Counts when it is dropped before the answer.
struct Waiting(Arc<Seen>, bool);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.given_up.fetch_add(u64::from(!self.1), SeqCst);
    }
}

/// A real server: `/slow` takes 300 ms, `/never` for ever, `/large` sends 4 MiB; others send back the body, with a trailer.
pub(crate) async fn answer(
    request: Request<Incoming>,
    seen: Arc<Seen>,
) -> Result<Response<Body>, hyper::Error> {
    seen.requests.fetch_add(1, SeqCst);
    let mut waiting = Waiting(Arc::clone(&seen), false);
    let path = request.uri().path().to_owned();
    if path == "/slow" {
        tokio::time::sleep(Duration::from_millis(300)).await;
    } else if path == "/never" {
        std::future::pending::<()>().await;
    }
    let tenant = request.headers().get("x-tenant").cloned();
    let collected = request.into_body().collect().await?;
    let trailer = collected.trailers().is_some_and(|trailers| trailers["x-trailer"] == "sent");
    let sent = if path == "/large" { Bytes::from(vec![7; 4 << 20]) } else { collected.to_bytes() };
    waiting.1 = true;
    let mut response = Response::new(with_trailer(sent, if trailer { "both" } else { "back" }));
    if let Some(tenant) = tenant {
        response.headers_mut().insert("x-tenant", tenant);
    }
    Ok(response)
}

pub(crate) async fn h2_server() -> (SocketAddr, Arc<Seen>) {
    let seen = Arc::<Seen>::default();
    let shared = Arc::clone(&seen);
    let address = server(move |socket| {
        socket.set_nodelay(true).unwrap();
        let seen = Arc::clone(&shared);
        let answering = Arc::clone(&seen);
        let service = service_fn(move |request| answer(request, Arc::clone(&answering)));
        async move {
            let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(socket), service));
            tokio::select! {
                // Tests cut connections.
                served = connection.as_mut() => drop(served),
                () = seen.leave.notified() => {
                    connection.as_mut().graceful_shutdown();
                    drop(connection.await);
                }
            }
        }
    })
    .await;
    (address, seen)
}

/// A client connection and what tells its end.
pub(crate) async fn client(
    address: SocketAddr,
) -> (SendRequest<Body>, tokio::task::JoinHandle<hyper::Result<()>>) {
    let socket = TcpStream::connect(address).await.unwrap();
    socket.set_nodelay(true).unwrap();
    let builder = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
    let (sender, driver) = builder.handshake(TokioIo::new(socket)).await.unwrap();
    (sender, tokio::spawn(driver))
}

pub(crate) fn request(method: &str, path: &str, body: Body) -> Request<Body> {
    Request::builder().method(method).uri(format!("http://x{path}")).body(body).unwrap()
}

/// Status and body.
pub(crate) async fn ask(
    sender: &SendRequest<Body>,
    method: &str,
    path: &str,
    sent: &str,
) -> hyper::Result<(u16, Bytes)> {
    let response = sender.clone().send_request(request(method, path, body(sent.to_owned()))).await?;
    let status = response.status().as_u16();
    Ok((status, response.into_body().collect().await?.to_bytes()))
}

/// The reason with which a stream was reset.
fn reason<T: std::fmt::Debug>(result: hyper::Result<T>) -> Option<h2::Reason> {
    let error = result.expect_err("not reset");
    let mut cause: Option<&dyn std::error::Error> = Some(&error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<h2::Error>() {
            return error.reason();
        }
        cause = error.source();
    }
    panic!("{error:?}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_answers_and_trailers_pass_side_by_side_over_one_connection() {
    let (upstream, seen) = h2_server().await;
    let mut proxy = Running::start(Protocol::Http, upstream).await;
    let (sender, _driver) = client(proxy.address).await;
    let asks = (0..100_u32).map(|number| {
        let mut sender = sender.clone();
        async move {
            let sent = Bytes::from(vec![number as u8; 10_000 * number as usize]);
            let mut asked = request("POST", &format!("/echo/{number}"), with_trailer(sent.clone(), "sent"));
            asked.headers_mut().insert("x-tenant", number.into());
            let response = sender.send_request(asked).await.unwrap();
            assert_eq!(response.headers()["x-tenant"], number.to_string());
            let back = response.into_body().collect().await.unwrap();
            assert_eq!(back.trailers().unwrap()["x-trailer"], "both");
            assert!(back.to_bytes() == sent, "{number}: the body changed");
        }
    });
    futures_util::future::join_all(asks).await;
    assert_eq!(seen.requests.load(SeqCst), 100);
    let status = proxy.status().await;
    assert_eq!((status.connections, status.open_connections, status.requests), (1, 1, 100));
    drop(sender);
}

#[tokio::test]
async fn one_stream_is_held_and_another_of_the_same_connection_is_not() {
    let (upstream, _) = h2_server().await;
    let mut proxy = Running::start(Protocol::Http, upstream).await;
    for side in ["request", "response"] {
        let held =
            json!({ "latency": "500ms", "jitter": "0s", "side": side, "matching": { "path": "/held" } });
        let id = proxy.apply(told(json!({ "httpDelay": held }))).await;
        let (sender, _driver) = client(proxy.address).await;
        let start = now();
        let timed = async |path| {
            assert_eq!(ask(&sender, "GET", path, "").await.unwrap().0, 200);
            start.elapsed()
        };
        let (held, free) = tokio::join!(timed("/held"), timed("/free"));
        assert!((Duration::from_millis(500)..Duration::from_millis(700)).contains(&held), "{side}: {held:?}");
        assert!(free < Duration::from_millis(150), "{side}: {free:?}");
        assert_eq!(proxy.counts().await, (1, 1));
        proxy.remove(id).await;
    }
}

#[tokio::test]
async fn bodies_that_are_held_keep_no_byte_from_other_streams() {
    let (upstream, _) = h2_server().await;
    let mut proxy = Running::start(Protocol::Http, upstream).await;
    let held =
        json!({ "latency": "1h", "jitter": "0s", "side": "response", "matching": { "path": "/large" } });
    proxy.apply(told(json!({ "httpDelay": held }))).await;
    let (sender, _driver) = client(proxy.address).await;
    let large: Vec<_> = (0..60)
        .map(|_| {
            let sender = sender.clone();
            tokio::spawn(async move { ask(&sender, "GET", "/large", "").await })
        })
        .collect();
    while proxy.counts().await.0 < 60 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let sent = "x".repeat(4 << 20);
    let free = timeout(Duration::from_secs(5), ask(&sender, "POST", "/echo", &sent)).await;
    assert_eq!(free.expect("starved").unwrap().1.len(), sent.len());
    assert!(large.iter().all(|task| !task.is_finished()));
    let id = proxy.status().await.rules[0].id;
    proxy.remove(id).await;
    for task in large {
        let answer = timeout(Duration::from_secs(10), task).await.expect("not let go").unwrap().unwrap();
        assert_eq!((answer.0, answer.1.len()), (200, 4 << 20));
    }
}

#[tokio::test]
async fn an_abort_resets_its_stream_alone_before_or_after_the_server_saw_it() {
    let (upstream, seen) = h2_server().await;
    let mut proxy = Running::start(Protocol::Http, upstream).await;
    for (side, served) in [("request", 0), ("response", 1)] {
        seen.requests.store(0, SeqCst);
        let id = proxy
            .apply(told(json!({ "httpAbort": { "side": side, "matching": { "method": "POST" } } })))
            .await;
        let (sender, _driver) = client(proxy.address).await;
        let slow = ask(&sender, "GET", "/slow", "");
        let aborted = ask(&sender, "POST", "/", "hello");
        let (slow, aborted) = tokio::join!(slow, aborted);
        assert_eq!(reason(aborted), Some(h2::Reason::INTERNAL_ERROR), "{side}");
        assert_eq!(slow.unwrap().0, 200, "{side}: the other stream goes on");
        assert_eq!(seen.requests.load(SeqCst), served + 1, "{side}");
        assert_eq!(proxy.counts().await, (1, 1));
        proxy.remove(id).await;
        assert_eq!(ask(&sender, "POST", "/", "hello").await.unwrap(), (200, Bytes::from("hello")));
    }
}

#[tokio::test]
async fn statuses_bodies_and_headers_are_changed_stream_by_stream() {
    let (upstream, seen) = h2_server().await;
    let mut proxy = Running::start(Protocol::Http, upstream).await;
    let (sender, _driver) = client(proxy.address).await;
    let status = json!({ "status": 503, "body": "try later", "matching": { "path": "/pay/*", "every": 2 } });
    let id = proxy.apply(told(json!({ "httpStatus": status }))).await;
    for (path, status) in
        [("/pay/1", 200), ("/other", 200), ("/pay/2", 503), ("/pay/3", 200), ("/pay/4", 503)]
    {
        let answer = ask(&sender, "POST", path, "hello").await.unwrap();
        assert_eq!(answer.0, status, "{path}");
        assert_eq!(answer.1, if status == 503 { "try later" } else { "hello" }, "{path}");
    }
    assert_eq!((proxy.counts().await, seen.requests.load(SeqCst)), ((2, 4), 3));
    proxy.remove(id).await;
    for (change, sent, expected) in [
        (json!({ "replace": "other" }), "hello", "other"),
        (json!({ "truncate": "3B" }), "hello", "hel"),
        (json!({ "replace": "other" }), "", ""),
    ] {
        let rule = json!({ "change": change, "side": "request", "matching": {} });
        let id = proxy.apply(told(json!({ "httpBody": rule }))).await;
        assert_eq!(ask(&sender, "POST", "/echo", sent).await.unwrap().1, expected, "{change}");
        proxy.remove(id).await;
    }
    let headers = json!({ "set": { "X-Tenant": "acme" }, "remove": [], "side": "request", "matching": {} });
    proxy.apply(told(json!({ "httpHeaders": headers }))).await;
    let response = sender.clone().send_request(request("GET", "/", body(""))).await.unwrap();
    assert_eq!(response.headers()["x-tenant"], "acme");
}

#[tokio::test]
async fn a_stream_that_is_answered_here_does_not_wait_for_the_rest_of_its_request() {
    let (upstream, _) = h2_server().await;
    let mut proxy = Running::start(Protocol::Http, upstream).await;
    proxy.apply(http_status(503, "no")).await;
    let (mut sender, _driver) = client(proxy.address).await;
    // As of a client of gRPC that streams.
    let endless =
        StreamBody::new(futures_util::stream::pending::<Result<Frame<Bytes>, Infallible>>()).boxed();
    let answer = timeout(Duration::from_secs(2), sender.send_request(request("POST", "/", endless))).await;
    assert_eq!(answer.expect("waits for the end").unwrap().status(), 503);
}

#[tokio::test]
async fn a_grpc_call_fails_with_trailers_alone_and_nothing_else_is_hit() {
    let (upstream, seen) = h2_server().await;
    let mut proxy = Running::start(Protocol::Http, upstream).await;
    let fault = json!({ "code": 14, "message": "näh: 100%", "matching": { "path": "/shop.*/Charge" } });
    proxy.apply(told(json!({ "grpcStatus": fault }))).await;
    let (mut sender, _driver) = client(proxy.address).await;
    let mut call = async |kind: &'static str, path: &str| {
        let mut call = request("POST", path, body("\0\0\0\0\0"));
        call.headers_mut().insert("content-type", kind.parse().unwrap());
        let (parts, body) = sender.send_request(call).await.unwrap().into_parts();
        (parts, body.collect().await.unwrap())
    };
    let (head, body) = call("application/grpc+proto", "/shop.Payments/Charge").await;
    assert_eq!(head.status, 200);
    let headers: Vec<_> =
        head.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    let expected =
        [("content-type", "application/grpc"), ("grpc-status", "14"), ("grpc-message", "n%C3%A4h: 100%25")];
    assert_eq!(headers, expected);
    assert!(body.trailers().is_none() && body.to_bytes().is_empty(), "the head is all");
    assert_eq!(seen.requests.load(SeqCst), 0);
    for (kind, path) in [
        ("application/grpc", "/shop.Payments/Refund"),
        ("application/grpc-web", "/shop.Payments/Charge"),
        ("application/json", "/shop.Payments/Charge"),
    ] {
        assert_eq!(call(kind, path).await.1.to_bytes(), "\0\0\0\0\0", "{kind} {path}");
    }
    assert_eq!(proxy.counts().await, (1, 1));
}

//! Faults that abort and change requests and responses, and which requests they pick.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use http_body_util::{BodyExt, Full, StreamBody};
use hyper::{
    Request, Response,
    body::{Bytes, Frame, Incoming},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use steadfast_model::proxy::Protocol;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{Running, end_of, now, one_answer, raw, server, told};

/// What a server was sent.
#[derive(Clone, Default)]
struct Seen {
    requests: Arc<AtomicU64>,
    last: Arc<Mutex<String>>,
}

impl Seen {
    fn last(&self) -> String {
        self.last.lock().unwrap().clone()
    }
}

/// A real server that answers `0123456789`, in chunks when asked for `/chunked`, with nothing for `/none`, and keeps what
/// it was sent as text.
async fn recording() -> (SocketAddr, Seen) {
    let seen = Seen::default();
    let kept = seen.clone();
    let address = server(move |socket| {
        socket.set_nodelay(true).unwrap();
        let seen = kept.clone();
        let answer = service_fn(move |request: Request<Incoming>| {
            let seen = seen.clone();
            async move {
                let path = request.uri().path().to_owned();
                let mut text = format!("{} {path}\n", request.method());
                for (name, value) in request.headers() {
                    text += &format!("{name}: {}\n", value.to_str().unwrap());
                }
                let body = request.into_body().collect().await?.to_bytes();
                text += &String::from_utf8_lossy(&body);
                *seen.last.lock().unwrap() = text;
                seen.requests.fetch_add(1, SeqCst);
                let body = Full::new(Bytes::from_static(b"0123456789"));
                let mut response = Response::new(match path.as_str() {
                    // A body that does not know its length.
                    "/chunked" => {
                        let parts = ["01234", "56789"]
                            .map(|part| Ok(Frame::data(Bytes::from_static(part.as_bytes()))));
                        StreamBody::new(futures_util::stream::iter(parts)).boxed()
                    }
                    "/none" => Full::default().boxed(),
                    _ => body.boxed(),
                });
                if path == "/none" {
                    *response.status_mut() = hyper::StatusCode::NO_CONTENT;
                }
                response.headers_mut().insert("x-server", "me".parse().unwrap());
                response.headers_mut().insert("content-encoding", "identity".parse().unwrap());
                Ok::<_, hyper::Error>(response)
            }
        });
        async move {
            let served =
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), answer);
            // Tests cut connections.
            drop(served.await);
        }
    })
    .await;
    (address, seen)
}

async fn ask(socket: &mut TcpStream, line: &str, headers: &str, body: &str) -> String {
    let length = if body.is_empty() { String::new() } else { format!("content-length: {}\r\n", body.len()) };
    let request = format!("{line} HTTP/1.1\r\nhost: x\r\n{headers}{length}\r\n{body}");
    socket.write_all(request.as_bytes()).await.unwrap();
    one_answer(socket).await.unwrap()
}

async fn started() -> (Running, TcpStream, Seen) {
    let (upstream, seen) = recording().await;
    let proxy = Running::start(Protocol::Http, upstream).await;
    let socket = proxy.connect().await;
    (proxy, socket, seen)
}

fn body(change: Value, side: &str) -> Value {
    json!({ "httpBody": { "change": change, "side": side, "matching": {} } })
}

#[tokio::test]
async fn an_abort_closes_the_connection_before_or_after_the_server_has_seen_the_request() {
    let (mut proxy, _, seen) = started().await;
    for (side, served) in [("request", 0), ("response", 1)] {
        let id = proxy.apply(told(json!({ "httpAbort": { "side": side, "matching": {} } }))).await;
        for body in ["", "hello", &"x".repeat(200_000)] {
            let mut socket = proxy.connect().await;
            let request =
                format!("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            socket.write_all(request.as_bytes()).await.unwrap();
            assert_eq!(end_of(&mut socket).await.unwrap(), b"", "closed in good order, without an answer");
        }
        assert_eq!(proxy.counts().await, (3, 3), "{side}");
        proxy.remove(id).await;
        assert_eq!(seen.requests.load(SeqCst), 3 * served, "{side}");
    }
    assert!(ask(&mut proxy.connect().await, "GET /", "", "").await.ends_with("0123456789"));
}

#[tokio::test]
async fn a_replaced_response_has_the_new_length_and_the_connection_goes_on() {
    let (mut proxy, mut socket, seen) = started().await;
    let id = proxy.apply(told(body(json!({ "replace": "other text" }), "response"))).await;
    for path in ["/", "/chunked"] {
        let answer = ask(&mut socket, &format!("GET {path}"), "", "").await;
        assert!(answer.ends_with("\r\n\r\nother text"), "{answer}");
        assert!(answer.contains("content-length: 10\r\n"), "{answer}");
        assert!(!answer.contains("transfer-encoding") && !answer.contains("content-encoding"), "{answer}");
    }
    assert_eq!(proxy.counts().await, (2, 2));
    proxy.remove(id).await;
    let answer = ask(&mut socket, "GET /", "", "").await;
    assert!(
        answer.ends_with("\r\n\r\n0123456789") && answer.contains("content-encoding: identity"),
        "{answer}"
    );
    assert_eq!(seen.requests.load(SeqCst), 3);
}

#[tokio::test]
async fn answers_that_have_no_body_get_none() {
    let (mut proxy, mut socket, _) = started().await;
    proxy.apply(told(body(json!({ "replace": "text" }), "response"))).await;
    let none = ask(&mut socket, "GET /none", "", "").await;
    assert!(none.starts_with("HTTP/1.1 204") && none.ends_with("\r\n\r\n"), "{none}");
    socket.write_all(b"HEAD / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    let head = String::from_utf8(end_of(&mut socket).await.unwrap()).unwrap();
    assert!(head.contains("content-length: 10\r\n") && head.ends_with("\r\n\r\n"), "{head}");
    assert_eq!(proxy.counts().await, (0, 2));
}

#[tokio::test]
async fn a_truncated_response_is_a_whole_message_of_fewer_bytes() {
    let (mut proxy, mut socket, _) = started().await;
    let id = proxy.apply(told(body(json!({ "truncate": "4B" }), "response"))).await;
    let answer = ask(&mut socket, "GET /", "", "").await;
    assert!(answer.contains("content-length: 4\r\n") && answer.ends_with("\r\n\r\n0123"), "{answer}");
    let chunked = raw(proxy.address, "GET /chunked HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert!(
        chunked.contains("transfer-encoding: chunked") && chunked.ends_with("4\r\n0123\r\n0\r\n\r\n"),
        "{chunked}"
    );
    assert_eq!(proxy.counts().await, (2, 2));
    proxy.remove(id).await;
    let id = proxy.apply(told(body(json!({ "truncate": "10B" }), "response"))).await;
    assert!(ask(&mut socket, "GET /", "", "").await.ends_with("\r\n\r\n0123456789"));
    assert_eq!(proxy.counts().await, (0, 1), "nothing was cut");
    proxy.remove(id).await;
    proxy.apply(told(body(json!({ "truncate": "0" }), "response"))).await;
    let answer = ask(&mut socket, "GET /", "", "").await;
    assert!(answer.contains("content-length: 0\r\n") && answer.ends_with("\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn corruption_flips_single_bits_in_that_share_of_bytes_the_same_ones_every_time() {
    let mut got = Vec::new();
    for _ in 0..2 {
        let (mut proxy, mut socket, seen) = started().await;
        proxy.apply(told(body(json!({ "corrupt": "2%" }), "request"))).await;
        let sent = "A".repeat(20_000);
        ask(&mut socket, "POST /", "", &sent).await;
        assert_eq!(proxy.counts().await, (1, 1));
        got.push(seen.last());
    }
    assert_eq!(got[0], got[1]);
    let body = got[0].rsplit('\n').next().unwrap();
    // Where the highest bit flipped, the recorded text has a replacement character.
    let flipped = body.chars().filter(|letter| *letter != 'A').count();
    assert_eq!(body.chars().count(), 20_000);
    assert!((300..500).contains(&flipped), "{flipped} of 20000 at 2 %");
    let single = |letter: char| letter == '\u{fffd}' || ((letter as u32) ^ u32::from(b'A')).count_ones() == 1;
    assert!(body.chars().filter(|letter| *letter != 'A').all(single));
}

#[tokio::test]
async fn a_request_body_is_replaced_also_when_its_sender_asks_first_and_none_is_added() {
    let (mut proxy, mut socket, seen) = started().await;
    proxy.apply(told(body(json!({ "replace": "new" }), "request"))).await;
    ask(&mut socket, "POST /", "", &"x".repeat(300_000)).await;
    assert!(seen.last().ends_with("content-length: 3\nnew"), "{}", seen.last());
    let asks = "expect: 100-continue\r\ncontent-length: 5\r\n\r\n";
    socket.write_all(format!("PUT / HTTP/1.1\r\nhost: x\r\n{asks}").as_bytes()).await.unwrap();
    let mut told = [0; 25];
    socket.read_exact(&mut told).await.unwrap();
    assert_eq!(&told, b"HTTP/1.1 100 Continue\r\n\r\n");
    socket.write_all(b"hello").await.unwrap();
    one_answer(&mut socket).await.unwrap();
    assert!(seen.last().starts_with("PUT /") && seen.last().ends_with("new"), "{}", seen.last());
    ask(&mut socket, "GET /", "", "").await;
    assert!(!seen.last().contains("new"), "{}", seen.last());
    assert_eq!(proxy.counts().await, (2, 3));
}

#[tokio::test]
async fn headers_are_set_and_removed_on_the_side_that_is_named() {
    let (mut proxy, mut socket, seen) = started().await;
    let change = |side: &str| {
        let (set, remove) = (json!({ "X-New": "1", "X-Old": "2" }), json!(["X-Gone", "X-Server"]));
        told(json!({ "httpHeaders": { "set": set, "remove": remove, "side": side, "matching": {} } }))
    };
    let id = proxy.apply(change("request")).await;
    let answer = ask(&mut socket, "GET /", "X-Gone: 1\r\nX-Old: a\r\nX-Old: b\r\n", "").await;
    assert!(answer.contains("x-server: me"), "{answer}");
    let last = seen.last().to_lowercase();
    assert!(last.contains("x-new: 1\n") && !last.contains("x-gone"), "{last}");
    assert_eq!(last.matches("x-old").count(), 1, "{last}");
    proxy.remove(id).await;
    let id = proxy.apply(change("response")).await;
    let answer = ask(&mut socket, "GET /", "X-Gone: 1\r\n", "").await.to_lowercase();
    assert!(answer.contains("x-new: 1\r\n") && !answer.contains("x-server"), "{answer}");
    assert!(seen.last().contains("x-gone: 1"), "{}", seen.last());
    proxy.remove(id).await;
    let nothing = json!({ "set": {}, "remove": ["X-Missing"], "side": "request", "matching": {} });
    proxy.apply(told(json!({ "httpHeaders": nothing }))).await;
    ask(&mut socket, "GET /", "", "").await;
    assert_eq!(proxy.counts().await, (0, 1), "there was nothing to remove");
}

#[tokio::test]
async fn a_delay_of_responses_begins_when_the_server_has_answered_and_ends_with_its_rule() {
    let (mut proxy, mut socket, seen) = started().await;
    let delay = |latency: &str| {
        let fault = json!({ "latency": latency, "jitter": "0", "side": "response", "matching": {} });
        told(json!({ "httpDelay": fault }))
    };
    let id = proxy.apply(delay("200ms")).await;
    let start = now();
    ask(&mut socket, "GET /", "", "").await;
    assert!((Duration::from_millis(200)..Duration::from_millis(800)).contains(&start.elapsed()));
    proxy.remove(id).await;
    let id = proxy.apply(delay("60s")).await;
    socket.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    while seen.requests.load(SeqCst) < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let start = now();
    proxy.remove(id).await;
    one_answer(&mut socket).await.unwrap();
    assert!(start.elapsed() < Duration::from_millis(900), "{:?}", start.elapsed());
}

#[tokio::test]
async fn first_and_every_count_matching_requests_over_all_connections() {
    let (mut proxy, mut one, _) = started().await;
    let mut two = proxy.connect().await;
    let status =
        |matching: Value| told(json!({ "httpStatus": { "status": 500, "body": "", "matching": matching } }));
    let cases = [
        (json!({ "path": "/pay", "first": 3 }), vec![1, 2, 3]),
        (json!({ "path": "/pay", "every": 3 }), vec![3, 6, 9]),
        (json!({ "path": "/pay", "first": 7, "every": 3 }), vec![3, 6]),
        (json!({ "headers": { "X-Tenant": "ac*" }, "every": 2 }), vec![2, 4, 6, 8, 10]),
    ];
    for (matching, expected) in cases {
        let id = proxy.apply(status(matching.clone())).await;
        let mut hit = Vec::new();
        for number in 1..=10 {
            let socket = if number % 3 == 0 { &mut two } else { &mut one };
            assert!(ask(socket, "GET /other", "x-tenant: other\r\n", "").await.starts_with("HTTP/1.1 200"));
            if ask(socket, "GET /pay", "x-tenant: acme\r\n", "").await.starts_with("HTTP/1.1 500") {
                hit.push(number);
            }
        }
        assert_eq!(hit, expected, "{matching}");
        assert_eq!(proxy.counts().await, (expected.len() as u64, 10), "{matching}");
        proxy.remove(id).await;
    }
}

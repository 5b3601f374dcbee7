//! Faults on requests, and faults on bytes below HTTP.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use http_body_util::BodyExt;
use hyper::{Request, Response, body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use steadfast_model::{
    Percent,
    proxy::{HttpMatch, Protocol, ProxyFault, ProxyRule, Stream},
};
use tokio::{io::AsyncWriteExt, net::TcpStream, task::JoinSet};

use crate::support::{
    Running, assert_reset, delay, end_of, http_delay, http_status, ms, now, one_answer, raw, rule, server,
};

/// A real server that answers with the length of the body it got, and counts requests.
async fn counting() -> (std::net::SocketAddr, Arc<AtomicU64>) {
    let count = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&count);
    let address = server(move |socket| {
        socket.set_nodelay(true).unwrap();
        let count = Arc::clone(&counted);
        let answer = service_fn(move |request: Request<Incoming>| {
            count.fetch_add(1, SeqCst);
            async move {
                let body = request.into_body().collect().await?.to_bytes();
                Ok::<_, hyper::Error>(Response::new(format!("got {}", body.len())))
            }
        });
        async move {
            let connection =
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), answer);
            // Tests cut connections.
            drop(connection.await);
        }
    })
    .await;
    (address, count)
}

async fn ask(socket: &mut TcpStream, line: &str, body: &str) -> String {
    let request = format!("{line} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    socket.write_all(request.as_bytes()).await.unwrap();
    one_answer(socket).await.unwrap()
}

#[tokio::test]
async fn a_status_answers_in_the_servers_place_until_it_is_removed() {
    let (upstream, served) = counting().await;
    let mut proxy = Running::start(Protocol::Http, upstream).await;
    let mut socket = proxy.connect().await;
    assert!(ask(&mut socket, "POST /pay", "hello").await.ends_with("got 5"));
    let id = proxy.apply(http_status(503, "try later")).await;
    for body in ["", "hello", &"x".repeat(200_000)] {
        let answer = ask(&mut socket, "POST /pay", body).await;
        assert!(answer.starts_with("HTTP/1.1 503") && answer.ends_with("\r\n\r\ntry later"), "{answer}");
    }
    let asks_first =
        "POST / HTTP/1.1\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n";
    assert!(raw(proxy.address, asks_first).await.starts_with("HTTP/1.1 503"));
    assert_eq!(served.load(SeqCst), 1);
    assert_eq!(proxy.counts().await, (4, 4));
    proxy.remove(id).await;
    assert!(ask(&mut socket, "POST /pay", "hi").await.ends_with("got 2"), "the same connection goes on");
    assert_eq!(proxy.status().await.requests, 6);
}

#[tokio::test]
async fn only_matching_requests_are_disturbed_and_counted() {
    let (upstream, _) = counting().await;
    let mut proxy = Running::start(Protocol::Http, upstream).await;
    let matching = HttpMatch {
        method: Some("post".to_owned()),
        path: Some("/pay/*".to_owned()),
        ..HttpMatch::default()
    };
    proxy.apply(ProxyFault::HttpStatus { status: 500, body: String::new(), matching }).await;
    let mut socket = proxy.connect().await;
    for (line, status) in
        [("POST /pay/1?x=/", 500), ("GET /pay/1", 200), ("POST /pay", 200), ("POST /other?/pay/", 200)]
    {
        assert!(ask(&mut socket, line, "").await.starts_with(&format!("HTTP/1.1 {status}")), "{line}");
    }
    assert_eq!(proxy.counts().await, (1, 1));
}

#[tokio::test]
async fn a_percentage_of_requests_is_picked_the_same_ones_every_time() {
    let (upstream, _) = counting().await;
    let told = ProxyRule { percent: Percent::new(40.0).unwrap(), ..rule(http_status(500, "")) };
    let mut picks = Vec::new();
    for _ in 0..2 {
        let mut proxy = Running::start(Protocol::Http, upstream).await;
        proxy.apply_rule(told.clone()).await;
        let mut picked = Vec::new();
        for _ in 0..2 {
            let mut socket = proxy.connect().await;
            for _ in 0..100 {
                picked.push(ask(&mut socket, "GET /", "").await.starts_with("HTTP/1.1 500"));
            }
        }
        let hits = picked.iter().filter(|picked| **picked).count() as u64;
        assert!((55..105).contains(&hits), "{hits} of 200 at 40 %");
        assert_eq!(proxy.counts().await, (hits, 200));
        assert_ne!(picked[..100], picked[100..], "connections draw apart");
        picks.push(picked);
    }
    assert_eq!(picks[0], picks[1]);
}

#[tokio::test]
async fn a_delay_holds_requests_before_the_server_sees_them_and_adds_to_a_status() {
    let (upstream, served) = counting().await;
    let mut proxy = Running::start(Protocol::Http, upstream).await;
    let id = proxy.apply(http_delay(200)).await;
    let mut socket = proxy.connect().await;
    let start = now();
    socket.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    tokio::time::sleep(Duration::from_millis(30)).await;
    assert_eq!(served.load(SeqCst), 0);
    one_answer(&mut socket).await.unwrap();
    assert!((Duration::from_millis(200)..Duration::from_millis(400)).contains(&start.elapsed()));
    proxy.apply(http_status(500, "")).await;
    let start = now();
    assert!(ask(&mut socket, "GET /", "").await.starts_with("HTTP/1.1 500"));
    assert!(start.elapsed() >= Duration::from_millis(200));
    assert_eq!(served.load(SeqCst), 1);
    let status = proxy.client.remove(id).await.unwrap();
    assert_eq!((status.rules.len(), status.rules[0].hits), (1, 1));
    let start = now();
    ask(&mut socket, "GET /", "").await;
    assert!(start.elapsed() < Duration::from_millis(150));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_held_requests_move_on_at_once_when_the_delay_goes() {
    let (upstream, served) = counting().await;
    let mut proxy = Running::start(Protocol::Http, upstream).await;
    let id = proxy.apply(http_delay(60_000)).await;
    let mut held = JoinSet::new();
    for _ in 0..200 {
        let mut socket = proxy.connect().await;
        socket.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        held.spawn(async move {
            assert!(one_answer(&mut socket).await.unwrap().ends_with("got 0"));
            now()
        });
    }
    while proxy.counts().await.0 < 200 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(served.load(SeqCst), 0);
    let start = now();
    proxy.remove(id).await;
    let mut took: Vec<Duration> =
        held.join_all().await.into_iter().map(|end| end.saturating_duration_since(start)).collect();
    took.sort();
    eprintln!("released 200 held requests: median {:?}, last {:?}", took[100], took[199]);
    assert!(took[100] < Duration::from_millis(500) && took[199] < Duration::from_secs(1), "{took:?}");
}

#[tokio::test]
async fn a_client_that_gives_up_while_held_never_reaches_the_server() {
    let (upstream, served) = counting().await;
    let mut proxy = Running::start(Protocol::Http, upstream).await;
    let id = proxy.apply(http_delay(60_000)).await;
    let mut socket = proxy.connect().await;
    socket.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    while proxy.counts().await.0 == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    drop(socket);
    while proxy.status().await.open_connections > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    proxy.remove(id).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(served.load(SeqCst), 0);
}

#[tokio::test]
async fn faults_on_bytes_work_below_http_too() {
    let (upstream, _) = counting().await;
    let mut proxy = Running::start(Protocol::Http, upstream).await;
    let mut socket = proxy.connect().await;
    ask(&mut socket, "GET /", "").await;
    for (stream, least) in [(Stream::Upstream, 200), (Stream::Downstream, 200), (Stream::Both, 400)] {
        let id = proxy.apply(delay(200, stream)).await;
        let start = now();
        assert!(ask(&mut socket, "POST /", "hi").await.ends_with("got 2"));
        let least = Duration::from_millis(least);
        assert!((least..least + Duration::from_millis(150)).contains(&start.elapsed()), "{stream:?}");
        proxy.remove(id).await;
    }
    let id = proxy.apply(delay(20, Stream::Both)).await;
    let large = "x".repeat(1024 * 1024);
    assert!(ask(&mut socket, "POST /", &large).await.ends_with("got 1048576"));
    let closing = raw(proxy.address, "GET / HTTP/1.1\r\nConnection: close\r\n\r\n").await;
    assert!(closing.ends_with("got 0"), "a held answer leaves before the end: {closing:?}");
    proxy.remove(id).await;
    let id = proxy.apply(ProxyFault::TcpReset { after: ms(0) }).await;
    assert_reset(end_of(&mut socket).await);
    assert_reset(end_of(&mut proxy.connect().await).await);
    proxy.remove(id).await;
    let mut socket = proxy.connect().await;
    ask(&mut socket, "GET /", "").await;
    let id = proxy.apply(ProxyFault::TcpDown {}).await;
    assert_reset(end_of(&mut socket).await);
    assert_reset(end_of(&mut proxy.connect().await).await);
    proxy.remove(id).await;
    ask(&mut proxy.connect().await, "GET /", "").await;
}

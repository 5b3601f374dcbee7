//! Faults about how connections end: late, silently, too early.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use serde_json::json;
use steadfast_model::proxy::Protocol;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::support::{Running, echo, end_of, now, one_answer, ping, server, told};

/// Answers each connection's first byte with `answer` and closes.
async fn brief(answer: &'static [u8]) -> SocketAddr {
    server(move |mut socket| async move {
        if socket.read_u8().await.is_ok() {
            drop(socket.write_all(answer).await);
        }
    })
    .await
}

/// Counts the bytes that come, and never answers.
async fn sink() -> (SocketAddr, Arc<AtomicU64>) {
    let count = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&count);
    let address = server(move |mut socket| {
        let count = Arc::clone(&counted);
        async move {
            let mut part = [0; 4096];
            while let Ok(size @ 1..) = socket.read(&mut part).await {
                count.fetch_add(size as u64, SeqCst);
            }
        }
    })
    .await;
    (address, count)
}

async fn is_silent(socket: &mut TcpStream) -> bool {
    timeout(Duration::from_millis(150), socket.read_u8()).await.is_err()
}

fn silence(after: &str, stream: &str) -> serde_json::Value {
    json!({ "tcpTimeout": { "after": after, "stream": stream } })
}

fn limit(limit: &str, stream: &str) -> serde_json::Value {
    json!({ "tcpLimitData": { "limit": limit, "stream": stream } })
}

#[tokio::test]
async fn a_slow_close_holds_the_end_and_not_the_bytes_until_it_is_removed() {
    let mut proxy = Running::start(Protocol::Tcp, brief(b"bye").await).await;
    let close = json!({ "tcpSlowClose": { "delay": "300ms", "stream": "downstream" } });
    proxy.apply(told(close)).await;
    let mut socket = proxy.connect().await;
    socket.write_all(b"?").await.unwrap();
    let start = now();
    socket.read_exact(&mut [0; 3]).await.unwrap();
    assert!(start.elapsed() < Duration::from_millis(250), "bytes are not held");
    assert_eq!(end_of(&mut socket).await.unwrap(), b"");
    assert!((Duration::from_millis(290)..Duration::from_millis(900)).contains(&start.elapsed()));
    assert_eq!(proxy.counts().await, (1, 1));
}

#[tokio::test]
async fn a_held_end_passes_at_once_when_the_rule_goes_and_only_in_its_half() {
    let mut proxy = Running::start(Protocol::Tcp, echo().await).await;
    let close = json!({ "tcpSlowClose": { "delay": "60s", "stream": "upstream" } });
    let id = proxy.apply(told(close)).await;
    let mut socket = proxy.connect().await;
    ping(&mut socket, b"a").await.unwrap();
    socket.shutdown().await.unwrap();
    assert!(is_silent(&mut socket).await, "the server has not been told");
    proxy.remove(id).await;
    assert_eq!(end_of(&mut socket).await.unwrap(), b"");
}

#[tokio::test]
async fn a_silent_connection_is_closed_after_its_time() {
    let mut proxy = Running::start(Protocol::Tcp, echo().await).await;
    let mut open = proxy.connect().await;
    ping(&mut open, b"a").await.unwrap();
    let start = now();
    proxy.apply(told(silence("300ms", "downstream"))).await;
    let mut new = proxy.connect().await;
    for socket in [&mut open, &mut new] {
        socket.write_all(b"anybody?").await.unwrap();
    }
    for socket in [&mut open, &mut new] {
        assert_eq!(end_of(socket).await.unwrap(), b"", "nothing comes, and then the end");
        assert!((Duration::from_millis(290)..Duration::from_millis(900)).contains(&start.elapsed()));
    }
    assert_eq!(proxy.counts().await, (2, 2));
}

#[tokio::test]
async fn when_silence_goes_connections_that_lack_bytes_are_closed_and_others_go_on() {
    for stream in ["upstream", "downstream", "both"] {
        let mut proxy = Running::start(Protocol::Tcp, echo().await).await;
        let (mut robbed, mut idle) = (proxy.connect().await, proxy.connect().await);
        ping(&mut robbed, b"a").await.unwrap();
        ping(&mut idle, b"a").await.unwrap();
        let id = proxy.apply(told(silence("0", stream))).await;
        robbed.write_all(&[7; 100_000]).await.unwrap();
        assert!(is_silent(&mut robbed).await, "{stream}");
        assert_eq!(proxy.counts().await, (1, 2), "{stream}");
        proxy.remove(id).await;
        assert_eq!(end_of(&mut robbed).await.unwrap(), b"", "{stream}: never a stream with a hole");
        ping(&mut idle, b"b").await.unwrap();
    }
}

#[tokio::test]
async fn silence_swallows_any_amount_and_the_servers_end_too() {
    let (upstream, count) = sink().await;
    let mut proxy = Running::start(Protocol::Tcp, upstream).await;
    proxy.apply(told(silence("0", "upstream"))).await;
    let mut socket = proxy.connect().await;
    let flood = vec![1; 8 * 1024 * 1024];
    timeout(Duration::from_secs(5), socket.write_all(&flood)).await.expect("nothing pushes back").unwrap();
    assert_eq!(count.load(SeqCst), 0);

    let mut proxy = Running::start(Protocol::Tcp, brief(b"bye").await).await;
    proxy.apply(told(silence("0", "downstream"))).await;
    let mut socket = proxy.connect().await;
    socket.write_all(b"?").await.unwrap();
    assert!(is_silent(&mut socket).await, "the client is told neither the answer nor the end");
    drop(socket);
    while proxy.status().await.open_connections > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_limit_lets_exactly_so_many_bytes_pass_and_closes() {
    let mut proxy = Running::start(Protocol::Tcp, echo().await).await;
    let mut open = proxy.connect().await;
    ping(&mut open, &[1; 500]).await.unwrap();
    let id = proxy.apply(told(limit("1kB", "downstream"))).await;
    for socket in [&mut open, &mut proxy.connect().await] {
        ping(socket, &[2; 600]).await.unwrap();
        socket.write_all(&[3; 600]).await.unwrap();
        assert_eq!(end_of(socket).await.unwrap(), [3; 400], "it counts from when the rule came");
    }
    let mut less = proxy.connect().await;
    ping(&mut less, &[4; 999]).await.unwrap();
    assert_eq!(proxy.counts().await, (2, 3));
    proxy.remove(id).await;
    ping(&mut less, &[5; 2_000]).await.unwrap();
}

#[tokio::test]
async fn a_limit_to_the_server_lets_exactly_so_many_bytes_pass_too() {
    let (upstream, count) = sink().await;
    let mut proxy = Running::start(Protocol::Tcp, upstream).await;
    proxy.apply(told(limit("300kB", "upstream"))).await;
    let mut socket = proxy.connect().await;
    // The peer may be gone before all is sent.
    drop(socket.write_all(&vec![1; 1024 * 1024]).await);
    drop(timeout(Duration::from_secs(5), socket.read_u8()).await.expect("the connection stays open"));
    while count.load(SeqCst) < 300_000 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(count.load(SeqCst), 300_000);
    assert_eq!(proxy.counts().await.0, 1);
}

#[tokio::test]
async fn they_work_below_http_too() {
    let server = || {
        server(|mut socket| async move {
            let mut request = [0; 4096];
            while let Ok(1..) = socket.read(&mut request).await {
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n0123456789";
                drop(socket.write_all(answer).await);
            }
        })
    };
    let request = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";
    for stream in ["upstream", "downstream", "both"] {
        let mut proxy = Running::start(Protocol::Http, server().await).await;
        let (mut robbed, mut idle) = (proxy.connect().await, proxy.connect().await);
        for socket in [&mut robbed, &mut idle] {
            socket.write_all(request).await.unwrap();
            one_answer(socket).await.unwrap();
        }
        let id = proxy.apply(told(silence("0", stream))).await;
        robbed.write_all(request).await.unwrap();
        assert!(is_silent(&mut robbed).await, "{stream}");
        proxy.remove(id).await;
        assert_eq!(end_of(&mut robbed).await.unwrap(), b"", "{stream}");
        idle.write_all(request).await.unwrap();
        one_answer(&mut idle).await.unwrap();

        let id = proxy.apply(told(limit("60B", stream))).await;
        let mut got = 0;
        // The server gets a request or two, depending on which half is limited; then both ends are closed.
        for _ in 0..4 {
            drop(idle.write_all(request).await);
            got += timeout(Duration::from_secs(5), idle.read(&mut [0; 60])).await.unwrap().unwrap_or(0);
        }
        assert!(got <= 120, "{stream}: {got}");
        assert_eq!(proxy.counts().await.0, 1, "{stream}");
        proxy.remove(id).await;
    }
    let mut proxy = Running::start(Protocol::Http, server().await).await;
    proxy.apply(told(json!({ "tcpSlowClose": { "delay": "300ms", "stream": "both" } }))).await;
    let mut socket = proxy.connect().await;
    let start = now();
    socket.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    assert!(end_of(&mut socket).await.unwrap().ends_with(b"0123456789"));
    assert!(start.elapsed() >= Duration::from_millis(290), "{:?}", start.elapsed());
}

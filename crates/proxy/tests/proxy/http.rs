//! HTTP without faults: what passes, and how things end.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use steadfast_model::proxy::Protocol;
use steadfast_proxy::Limits;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{RealClock, Running, assert_reset, end_of, nobody, now, one_answer, raw, server};

/// Reads a request's head, and its body if it says how long that is or that it is chunked. Empty at the end.
async fn one_request(socket: &mut TcpStream) -> String {
    let mut request = Vec::new();
    let mut byte = [0];
    while let Ok(1) = socket.read(&mut byte).await {
        request.push(byte[0]);
        let Some(head) = request.windows(4).position(|end| end == b"\r\n\r\n") else { continue };
        let text = String::from_utf8_lossy(&request[..head]).to_lowercase();
        let length = text.split("content-length: ").nth(1).map(|rest| rest.split("\r\n").next().unwrap());
        let done = if text.contains("transfer-encoding: chunked") {
            request.ends_with(b"0\r\n\r\n")
        } else {
            request.len() >= head + 4 + length.map_or(0, |length| length.parse().unwrap())
        };
        if done {
            break;
        }
    }
    String::from_utf8(request).unwrap()
}

type Seen = Arc<Mutex<Vec<String>>>;

/// Answers every request of a connection with the same bytes, and remembers the requests. A last connection of
/// `close` ends with the answer.
async fn canned(answer: &'static str, close: bool) -> (std::net::SocketAddr, Seen) {
    let seen = Seen::default();
    let remembered = Arc::clone(&seen);
    let address = server(move |mut socket| {
        let seen = Arc::clone(&remembered);
        async move {
            seen.lock().unwrap().push("(connection)".to_owned());
            loop {
                let request = one_request(&mut socket).await;
                if request.is_empty() {
                    return;
                }
                seen.lock().unwrap().push(request);
                if socket.write_all(answer.as_bytes()).await.is_err() || close {
                    return;
                }
            }
        }
    })
    .await;
    (address, seen)
}

#[tokio::test]
async fn requests_and_answers_pass_byte_for_byte() {
    let answer = "HTTP/1.1 299 Odd Reason\r\nX-First: 1\r\nx-SECOND: a b\r\nContent-Length: 2\r\n\r\nok";
    let (upstream, seen) = canned(answer, false).await;
    let mut proxy = Running::start(Protocol::Http, upstream).await;
    let requests = [
        "GET /a%20b?q=1&q=2 HTTP/1.1\r\nHost: x:1\r\nX-OdD: Case\r\naccept: */*\r\n\r\n",
        "POST /pay HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nIdempotency-Key: 7\r\n\r\nhello",
        "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET http://x/absolute HTTP/1.1\r\nHost: x\r\n\r\n",
        "BREW /pot HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\n\r\n",
        "POST /chunks HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    ];
    let mut socket = proxy.connect().await;
    for request in requests {
        socket.write_all(request.as_bytes()).await.unwrap();
        assert_eq!(one_answer(&mut socket).await.unwrap(), answer);
    }
    let seen = seen.lock().unwrap().clone();
    assert_eq!(seen[0], "(connection)");
    assert_eq!(seen[1..], requests.map(str::to_owned));
    let status = proxy.status().await;
    assert_eq!((status.connections, status.requests), (1, 6));
    assert_eq!(status.bytes as usize, requests.concat().len() + 6 * answer.len());
}

#[tokio::test]
async fn answers_of_every_framing_pass() {
    let closing = "Host: x\r\nConnection: close\r\n\r\n";
    let cases = [
        (
            "GET",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            "3\r\nabc\r\n0\r\n\r\n",
        ),
        ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", "Content-Length: 500\r\n"),
        ("GET", "HTTP/1.1 204 No Content\r\n\r\n", "204 No Content"),
        ("GET", "HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n", "304 Not Modified"),
        ("GET", "HTTP/1.0 200 OK\r\n\r\nuntil the end", "until the end"),
        ("GET", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end", "until the end"),
    ];
    for (method, answer, part) in cases {
        let (upstream, _) = canned(answer, true).await;
        let proxy = Running::start(Protocol::Http, upstream).await;
        let got = raw(proxy.address, &format!("{method} / HTTP/1.1\r\n{closing}")).await;
        assert!(got.contains(part), "{answer:?} became {got:?}");
    }
}

#[tokio::test]
async fn http_1_0_pipelining_and_connection_close_work() {
    let (upstream, seen) = canned("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false).await;
    let proxy = Running::start(Protocol::Http, upstream).await;
    let old = raw(proxy.address, "GET /old HTTP/1.0\r\n\r\n").await;
    assert!(old.starts_with("HTTP/1.0 200") && old.ends_with("ok"), "{old}");
    let one = "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n";
    let last = "GET /2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let both = raw(proxy.address, &format!("{one}{one}{last}")).await;
    assert_eq!(both.matches("200 OK").count(), 3, "{both}");
    assert_eq!(seen.lock().unwrap().iter().filter(|seen| *seen == "(connection)").count(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_bodies_stream_both_ways() {
    let upstream = server(|mut socket| async move {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(socket.read_u8().await.unwrap());
        }
        socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 8388608\r\n\r\n").await.unwrap();
        let (read, mut write) = socket.split();
        tokio::io::copy(&mut read.take(8_388_608), &mut write).await.unwrap();
    })
    .await;
    let proxy = Running::start(Protocol::Http, upstream).await;
    let mut socket = proxy.connect().await;
    let sent: Vec<u8> = (0..8_388_608_u32).map(|n| (n % 251) as u8).collect();
    let (mut read, mut write) = socket.split();
    let mut got = Vec::new();
    let send = async {
        write.write_all(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 8388608\r\n\r\n").await.unwrap();
        write.write_all(&sent).await.unwrap();
    };
    tokio::join!(send, async { read.read_to_end(&mut got).await.unwrap() });
    let head = got.windows(4).position(|end| end == b"\r\n\r\n").unwrap();
    assert!(got[head + 4..] == sent, "the body changed");
}

#[tokio::test]
async fn a_body_that_asks_first_is_sent_when_the_server_agrees_and_not_when_it_refuses() {
    let upstream = server(|mut socket| async move {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            head.push(char::from(socket.read_u8().await.unwrap()));
        }
        let mut body = [0; 5];
        if head.contains("/yes") {
            socket.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.unwrap();
        } else if head.contains("/no") {
            socket.write_all(b"HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n").await.unwrap();
            let body = socket.read(&mut body).await;
            assert!(!matches!(body, Ok(1..)), "the body came anyway");
            return;
        }
        socket.read_exact(&mut body).await.unwrap();
        socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n").await.unwrap();
        socket.write_all(&body).await.unwrap();
    })
    .await;
    let proxy = Running::start(Protocol::Http, upstream).await;
    let ask = |path: &str| {
        format!("POST /{path} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
    };
    for (path, patience) in [("yes", 0), ("silent", 900)] {
        let mut socket = proxy.connect().await;
        let start = now();
        socket.write_all(ask(path).as_bytes()).await.unwrap();
        assert!(one_answer(&mut socket).await.unwrap().starts_with("HTTP/1.1 100"), "{path}");
        assert!(start.elapsed() >= Duration::from_millis(patience), "{path}");
        socket.write_all(b"hello").await.unwrap();
        assert!(one_answer(&mut socket).await.unwrap().ends_with("hello"), "{path}");
    }
    let refused = raw(proxy.address, &ask("no")).await;
    assert!(refused.starts_with("HTTP/1.1 417"), "{refused}");
}

#[tokio::test]
async fn a_connection_that_leaves_http_carries_raw_bytes() {
    let upstream = server(|mut socket| async move {
        let request = one_request(&mut socket).await;
        let agreed = if request.starts_with("CONNECT") {
            "HTTP/1.1 200 OK\r\n\r\n"
        } else {
            "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n"
        };
        socket.write_all(agreed.as_bytes()).await.unwrap();
        let (mut read, mut write) = socket.split();
        tokio::io::copy(&mut read, &mut write).await.unwrap();
    })
    .await;
    let proxy = Running::start(Protocol::Http, upstream).await;
    for request in [
        "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n",
        "CONNECT far:1 HTTP/1.1\r\nHost: far:1\r\n\r\n",
    ] {
        let mut socket = proxy.connect().await;
        socket.write_all(request.as_bytes()).await.unwrap();
        one_answer(&mut socket).await.unwrap();
        socket.write_all(b"\x00\xffnot http").await.unwrap();
        socket.shutdown().await.unwrap();
        assert_eq!(end_of(&mut socket).await.unwrap(), b"\x00\xffnot http", "{request}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_as_502() {
    let proxy = Running::start(Protocol::Http, nobody()).await;
    let got =
        raw(proxy.address, "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi")
            .await;
    assert!(got.starts_with("HTTP/1.1 502") && got.contains("proxy a-b could not reach 127.0.0.1:"), "{got}");
}

#[tokio::test]
async fn heads_that_are_too_large_or_not_http_are_refused() {
    let (upstream, seen) = canned("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false).await;
    let proxy = Running::start(Protocol::Http, upstream).await;
    let large = format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "x".repeat(70_000));
    assert!(raw(proxy.address, &large).await.starts_with("HTTP/1.1 431"));
    let many: String = (0..150).map(|n| format!("x-{n}: 1\r\n")).collect();
    assert!(raw(proxy.address, &format!("GET / HTTP/1.1\r\n{many}\r\n")).await.starts_with("HTTP/1.1 431"));
    assert!(raw(proxy.address, "\x16\x02\x01 hello\r\n\r\n").await.starts_with("HTTP/1.1 400"));
    assert!(seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn the_client_sees_how_the_server_ended() {
    let upstream = server(|mut socket| async move {
        let request = one_request(&mut socket).await;
        let partial = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n123";
        if request.contains("partial") {
            socket.write_all(partial).await.unwrap();
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        if request.contains("reset") {
            socket.set_zero_linger().unwrap();
        }
        if request.contains("idle") {
            socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    let proxy = Running::start(Protocol::Http, upstream).await;
    let ask = async |path: &str| {
        let mut socket = proxy.connect().await;
        socket.write_all(format!("GET /{path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await.unwrap();
        end_of(&mut socket).await.map(|bytes| String::from_utf8(bytes).unwrap())
    };
    assert_eq!(ask("close").await.unwrap(), "");
    assert!(ask("partial").await.unwrap().ends_with("\r\n\r\n123"));
    assert!(ask("idle").await.unwrap().ends_with("ok"));
    assert_reset(ask("reset").await);
    assert_reset(ask("partial-reset").await);
    assert_reset(ask("idle-reset").await);
}

#[tokio::test]
async fn requests_that_cross_a_keep_alive_end_are_answered_or_see_the_end_never_an_invention() {
    let (upstream, _) = canned("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", true).await;
    let proxy = Running::start(Protocol::Http, upstream).await;
    let mut answered = 0;
    for _ in 0..300 {
        let mut socket = proxy.connect().await;
        while socket.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.is_ok() {
            let Ok(answer) = one_answer(&mut socket).await else { break };
            assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("ok"), "{answer}");
            answered += 1;
        }
    }
    assert!(answered >= 300, "{answered}");
}

#[tokio::test]
async fn the_server_sees_that_the_client_gave_up() {
    let (tell, mut told) = tokio::sync::mpsc::channel(1);
    let upstream = server(move |mut socket| {
        let tell = tell.clone();
        async move {
            one_request(&mut socket).await;
            let end = socket.read(&mut [0]).await;
            tell.send(matches!(end, Ok(0) | Err(_))).await.unwrap();
        }
    })
    .await;
    let proxy = Running::start(Protocol::Http, upstream).await;
    let mut socket = proxy.connect().await;
    socket.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    drop(socket);
    let told = tokio::time::timeout(Duration::from_secs(2), told.recv()).await;
    assert_eq!(told.expect("the server still waits"), Some(true));
}

#[tokio::test]
async fn a_head_that_dribbles_is_cut_off_while_idle_connections_stay() {
    let (upstream, _) = canned("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false).await;
    let limits = Limits { head: Duration::from_millis(200), ..Limits::default() };
    let proxy = Running::start_with(Protocol::Http, upstream, limits, Arc::new(RealClock)).await;
    let (mut silent, mut idle, mut slow) =
        (proxy.connect().await, proxy.connect().await, proxy.connect().await);
    idle.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    one_answer(&mut idle).await.unwrap();
    let start = now();
    slow.write_all(b"GET / HT").await.unwrap();
    drop(end_of(&mut slow).await);
    assert!((Duration::from_millis(195)..Duration::from_millis(600)).contains(&start.elapsed()));
    tokio::time::sleep(Duration::from_millis(250)).await;
    for socket in [&mut silent, &mut idle] {
        socket.write_all(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n").await.unwrap();
        tokio::time::sleep(Duration::from_millis(250)).await;
        socket.write_all(b"hi").await.unwrap();
        assert!(one_answer(socket).await.unwrap().ends_with("ok"), "a slow body is not a slow head");
    }
}

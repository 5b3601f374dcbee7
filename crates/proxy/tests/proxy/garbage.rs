//! Arbitrary bytes: nothing panics, nothing hangs, and the proxy goes on.

use std::time::Duration;

use proptest::{
    collection::vec,
    prelude::{Strategy, any},
    prop_oneof,
    strategy::ValueTree,
    test_runner::TestRunner,
};
use steadfast_model::proxy::{Protocol, Stream};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UnixStream},
    time::timeout,
};

use crate::support::{Running, delay, http_delay, one_answer, server};

/// Bytes that are nearly what is expected.
fn nearly(words: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        3 => (0..words.len()).prop_map(move |n| words[n].as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..20),
    ];
    vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn samples(strategy: impl Strategy<Value = Vec<u8>>, count: usize) -> Vec<Vec<u8>> {
    let mut runner = TestRunner::deterministic();
    (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

const HTTP: &[&str] = &[
    "GET / HTTP/1.1\r\n",
    "POST /x HTTP/1.0\r\n",
    "CONNECT a:1 HTTP/1.1\r\n",
    "Host: x\r\n",
    "\r\n",
    "\n",
    "Transfer-Encoding: chunked\r\n",
    "Content-Length: 5\r\n",
    "Content-Length: 99999999999999999999\r\n",
    "5\r\n",
    "0\r\n\r\n",
    "ffffffffffffffffffff\r\n",
    "Expect: 100-continue\r\n",
    "Upgrade: x\r\n",
    "Connection: upgrade, close\r\n",
    ": \r\n",
    "hello",
    "GET",
    " ",
    "HTTP/2.0",
    "\0",
];

const ANSWERS: &[&str] = &[
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.1 100 Continue\r\n\r\n",
    "HTTP/1.1 101 S\r\n",
    "HTTP/1.1 999 \r\n",
    "HTTP/9.9 1\r\n",
    "Content-Length: 5\r\n",
    "Content-Length: -1\r\n",
    "Transfer-Encoding: chunked\r\n",
    "\r\n",
    "5\r\nhello\r\n",
    "0\r\n\r\n",
    "hello",
    "Connection: close\r\n",
    "Upgrade: x\r\n",
    "zz\r\n",
    "\0",
];

const CONTROL: &[&str] = &[
    "{",
    "}",
    "\"apply\"",
    ":",
    "\"remove\"",
    "\"id\"",
    "\"status\":{}",
    "\n",
    "1e999",
    "-1",
    "null",
    "\"injection\"",
    "\"tcpDelay\"",
    "[",
    "]",
    ",",
    "{\"status\":{}}\n",
    "\\u0000",
    "\"percent\":\"NaN%\"",
    "\"deadline\":18446744073709551616",
];

/// Sends, ends, and waits for the end.
async fn throw(mut socket: impl AsyncReadExt + AsyncWriteExt + Unpin, bytes: &[u8]) {
    // Being cut off is as good as being answered.
    drop(socket.write_all(bytes).await);
    drop(socket.shutdown().await);
    let mut rest = Vec::new();
    let ended = timeout(Duration::from_secs(5), socket.read_to_end(&mut rest)).await;
    assert!(ended.is_ok(), "hangs on {:?}", String::from_utf8_lossy(bytes));
}

/// Answers every connection with one sample, whatever it is asked, and ends it.
async fn babbling(answers: Vec<Vec<u8>>) -> std::net::SocketAddr {
    let next = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    server(move |mut socket| {
        let turn = next.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let answer = answers[turn % answers.len()].clone();
        async move {
            drop(socket.read(&mut [0; 1024]).await);
            drop(socket.write_all(&answer).await);
        }
    })
    .await
}

#[tokio::test]
async fn no_bytes_from_clients_or_servers_stop_an_http_proxy() {
    let upstream = babbling(samples(nearly(ANSWERS), 200)).await;
    let mut proxy = Running::start(Protocol::Http, upstream).await;
    for with_faults in [false, true] {
        if with_faults {
            proxy.apply(delay(1, Stream::Both)).await;
            proxy.apply(http_delay(1)).await;
        }
        for request in samples(nearly(HTTP), 300) {
            throw(proxy.connect().await, &request).await;
        }
        for _ in 0..200 {
            throw_and_wait(proxy.connect().await).await;
        }
    }
    for _ in 0..200 {
        if proxy.status().await.open_connections == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(proxy.status().await.open_connections, 0);
}

/// A good request to a server that babbles.
async fn throw_and_wait(mut socket: TcpStream) {
    socket.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut rest = Vec::new();
    let ended = timeout(Duration::from_secs(5), socket.read_to_end(&mut rest)).await;
    assert!(ended.is_ok(), "hangs after {:?}", String::from_utf8_lossy(&rest));
}

#[tokio::test]
async fn no_bytes_on_the_control_socket_stop_a_proxy() {
    let mut proxy = Running::start(Protocol::Tcp, crate::support::echo().await).await;
    for bytes in samples(nearly(CONTROL), 300) {
        throw(UnixStream::connect(&proxy.control).await.unwrap(), &bytes).await;
    }
    assert!(proxy.status().await.rules.is_empty());
}

#[tokio::test]
async fn a_good_request_passes_after_bad_ones() {
    let upstream = babbling(vec![b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_vec()]).await;
    let proxy = Running::start(Protocol::Http, upstream).await;
    for request in samples(vec(any::<u8>(), 1..200), 100) {
        throw(proxy.connect().await, &request).await;
    }
    let mut socket = proxy.connect().await;
    socket.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    assert!(one_answer(&mut socket).await.unwrap().ends_with("ok"));
}

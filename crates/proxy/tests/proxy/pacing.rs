//! Faults that let bytes through, but not as they came: a rate, pieces.

use std::{net::SocketAddr, time::Duration};

use serde_json::json;
use steadfast_model::proxy::Protocol;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{Running, echo, now, ping, server, told};

/// Sends that many bytes to whoever sends a byte.
async fn source(bytes: usize) -> SocketAddr {
    server(move |mut socket| async move {
        socket.set_nodelay(true).unwrap();
        while socket.read_u8().await.is_ok() && socket.write_all(&numbered(bytes)).await.is_ok() {}
    })
    .await
}

fn numbered(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|n| (n % 251) as u8).collect()
}

/// Asks a [`source`] and returns how long that many bytes took, and the sizes they came in.
async fn fetch(socket: &mut TcpStream, bytes: usize) -> (Duration, Vec<usize>) {
    let start = now();
    socket.write_all(b"?").await.unwrap();
    let (mut got, mut sizes) = (Vec::with_capacity(bytes), Vec::new());
    while got.len() < bytes {
        let size = socket.read_buf(&mut got).await.unwrap();
        assert!(size > 0, "the connection ended");
        sizes.push(size);
    }
    assert!(got == numbered(bytes), "other bytes came than were sent");
    (start.elapsed(), sizes)
}

fn bandwidth(rate: &str, stream: &str) -> serde_json::Value {
    json!({ "tcpBandwidth": { "rate": rate, "stream": stream } })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rate_holds_on_each_connection_for_itself_until_it_is_removed() {
    let bytes = 500_000;
    let mut proxy = Running::start(Protocol::Tcp, source(bytes).await).await;
    let id = proxy.apply(told(bandwidth("10Mbit/s", "downstream"))).await;
    let (mut one, mut other) = (proxy.connect().await, proxy.connect().await);
    let (first, second) = tokio::join!(fetch(&mut one, bytes), fetch(&mut other, bytes));
    for (took, _) in [first, second] {
        assert!((0.39..0.8).contains(&took.as_secs_f64()), "400 ms expected: {took:?}");
    }
    let (hits, seen) = proxy.counts().await;
    assert!(hits > 0 && hits <= seen, "{hits} of {seen}");
    proxy.remove(id).await;
    let (took, _) = fetch(&mut one, bytes).await;
    assert!(took < Duration::from_millis(300), "{took:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rate_counts_in_the_half_it_names_and_a_message_takes_as_long_as_its_bytes() {
    let mut proxy = Running::start(Protocol::Tcp, echo().await).await;
    let message = numbered(20_000);
    for (stream, millis) in [("upstream", 200), ("downstream", 200), ("both", 400)] {
        let id = proxy.apply(told(bandwidth("100kB/s", stream))).await;
        let mut socket = proxy.connect().await;
        for _ in 0..2 {
            let start = now();
            assert!(ping(&mut socket, &message).await.unwrap() == message);
            let took = start.elapsed();
            // With both, the second half begins before the first has ended.
            let least = Duration::from_millis(millis.min(210) - 15);
            assert!((least..Duration::from_millis(millis + 300)).contains(&took), "{stream}: {took:?}");
        }
        proxy.remove(id).await;
    }
}

#[tokio::test]
async fn a_rate_that_traffic_never_reaches_disturbs_nothing() {
    let mut proxy = Running::start(Protocol::Tcp, echo().await).await;
    proxy.apply(told(bandwidth("1Gbit/s", "both"))).await;
    let mut socket = proxy.connect().await;
    for _ in 0..20 {
        ping(&mut socket, b"hello").await.unwrap();
    }
    let (hits, seen) = proxy.counts().await;
    assert_eq!((hits, seen), (0, 40));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_rate_holds_leaves_at_once_when_it_goes() {
    let bytes = 800_000;
    let mut proxy = Running::start(Protocol::Tcp, source(bytes).await).await;
    let id = proxy.apply(told(bandwidth("8kbit/s", "downstream"))).await;
    let mut socket = proxy.connect().await;
    let fetching = tokio::spawn(async move { fetch(&mut socket, bytes).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let start = now();
    proxy.remove(id).await;
    fetching.await.unwrap();
    assert!(start.elapsed() < Duration::from_millis(900), "{:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chunks_come_in_pieces_with_pauses_until_the_rule_is_removed() {
    let mut proxy = Running::start(Protocol::Tcp, source(200).await).await;
    let slice = json!({ "size": "20B", "variation": "5B", "pause": "30ms", "stream": "downstream" });
    let id = proxy.apply(told(json!({ "tcpSlice": slice }))).await;
    let mut socket = proxy.connect().await;
    let (took, sizes) = fetch(&mut socket, 200).await;
    assert!(took >= Duration::from_millis(210), "{took:?}");
    assert!(sizes.len() >= 8, "{sizes:?}");
    let whole = &sizes[..sizes.len() - 1];
    assert!(whole.iter().all(|size| *size >= 15), "{sizes:?}");
    assert!(whole.iter().filter(|size| (15..=25).contains(*size)).count() >= whole.len() - 2, "{sizes:?}");
    assert_eq!(proxy.counts().await, (1, 1), "one chunk was cut");
    let (again, _) = fetch(&mut socket, 200).await;
    assert!(again >= Duration::from_millis(210), "{again:?}");
    proxy.remove(id).await;
    assert!(fetch(&mut socket, 200).await.0 < Duration::from_millis(200));
}

#[tokio::test]
async fn chunks_smaller_than_a_piece_are_not_cut() {
    let mut proxy = Running::start(Protocol::Tcp, echo().await).await;
    let slice = json!({ "size": "1kB", "variation": "0", "pause": "0", "stream": "both" });
    proxy.apply(told(json!({ "tcpSlice": slice }))).await;
    let mut socket = proxy.connect().await;
    ping(&mut socket, b"hello").await.unwrap();
    assert_eq!(proxy.counts().await, (0, 2));
}

//! Faults on bytes: their effect, whom they pick, and their removal.

use std::time::Duration;

use steadfast_model::{
    Percent,
    proxy::{Protocol, ProxyFault, Stream},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

use crate::support::{Running, assert_reset, delay, echo, end_of, ms, now, ping, rule, server};

async fn round_trip(socket: &mut TcpStream) -> Duration {
    let start = now();
    assert_eq!(ping(socket, b"hello").await.unwrap(), b"hello");
    start.elapsed()
}

#[tokio::test]
async fn a_delay_holds_the_half_it_names_on_open_and_new_connections_until_it_is_removed() {
    let mut proxy = Running::start(Protocol::Tcp, echo().await).await;
    let mut open = proxy.connect().await;
    assert!(round_trip(&mut open).await < Duration::from_millis(150));
    for (stream, expected) in [(Stream::Upstream, 200), (Stream::Downstream, 200), (Stream::Both, 400)] {
        let id = proxy.apply(delay(200, stream)).await;
        for socket in [&mut open, &mut proxy.connect().await] {
            let took = round_trip(socket).await;
            let expected = Duration::from_millis(expected);
            assert!(
                (expected..expected + Duration::from_millis(150)).contains(&took),
                "{stream:?}: {took:?}"
            );
        }
        let chunks = if stream == Stream::Both { 4 } else { 2 };
        assert_eq!(proxy.counts().await, (chunks, chunks), "{stream:?}");
        proxy.remove(id).await;
        assert!(round_trip(&mut open).await < Duration::from_millis(150));
    }
}

#[tokio::test]
async fn delays_add_up_and_a_percentage_of_none_only_counts() {
    let mut proxy = Running::start(Protocol::Tcp, echo().await).await;
    let none = rule(delay(10_000, Stream::Both));
    proxy.apply_rule(steadfast_model::proxy::ProxyRule { percent: Percent::new(0.0).unwrap(), ..none }).await;
    let mut socket = proxy.connect().await;
    assert!(round_trip(&mut socket).await < Duration::from_millis(150));
    assert_eq!(proxy.counts().await, (0, 2));
    proxy.apply(delay(150, Stream::Upstream)).await;
    proxy.apply(delay(250, Stream::Upstream)).await;
    let took = round_trip(&mut socket).await;
    assert!((Duration::from_millis(400)..Duration::from_millis(550)).contains(&took), "{took:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn delayed_chunks_overlap_so_that_a_megabyte_takes_one_latency_not_hundreds() {
    let mut proxy = Running::start(Protocol::Tcp, echo().await).await;
    proxy.apply(ProxyFault::TcpDelay { latency: ms(100), jitter: ms(50), stream: Stream::Both }).await;
    let mut socket = proxy.connect().await;
    let sent: Vec<u8> = (0..1024 * 1024_u32).map(|n| (n % 251) as u8).collect();
    let start = now();
    let (mut read, mut write) = socket.split();
    let mut back = vec![0; sent.len()];
    let (written, got) = tokio::join!(write.write_all(&sent), read.read_exact(&mut back));
    written.unwrap();
    got.unwrap();
    assert!(back == sent, "the order changed");
    let took = start.elapsed();
    assert!((Duration::from_millis(100)..Duration::from_millis(1500)).contains(&took), "{took:?}");
}

#[tokio::test]
async fn a_stalled_half_pushes_back_and_loses_nothing() {
    let mut proxy = Running::start(Protocol::Tcp, echo().await).await;
    let id = proxy.apply(delay(60_000, Stream::Both)).await;
    let mut socket = proxy.connect().await;
    let chunk = vec![5_u8; 64 * 1024];
    let mut sent = 0;
    while let Ok(written) = tokio::time::timeout(Duration::from_millis(200), socket.write(&chunk)).await {
        sent += written.unwrap();
        assert!(sent < 64 * 1024 * 1024, "nothing pushes back");
    }
    assert!(proxy.status().await.bytes <= 1024 * 1024);
    proxy.remove(id).await;
    let mut back = vec![0; sent];
    let (mut read, mut write) = socket.split();
    let (end, got) = tokio::join!(write.shutdown(), read.read_exact(&mut back));
    end.unwrap();
    got.unwrap();
    assert!(back.iter().all(|byte| *byte == 5));
    assert_eq!(end_of(&mut socket).await.unwrap(), b"");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_stalled_connections_move_on_at_once_when_the_delay_goes() {
    let mut proxy = Running::start(Protocol::Tcp, echo().await).await;
    let id = proxy.apply(delay(60_000, Stream::Both)).await;
    let mut stalled = JoinSet::new();
    for _ in 0..200 {
        let mut socket = proxy.connect().await;
        socket.write_all(b"stuck").await.unwrap();
        stalled.spawn(async move {
            let mut back = [0; 5];
            socket.read_exact(&mut back).await.unwrap();
            now()
        });
    }
    while proxy.counts().await.0 < 200 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let start = now();
    proxy.remove(id).await;
    let mut took: Vec<Duration> =
        stalled.join_all().await.into_iter().map(|end| end.saturating_duration_since(start)).collect();
    took.sort();
    eprintln!("released 200 stalled connections: median {:?}, last {:?}", took[100], took[199]);
    assert!(took[100] < Duration::from_millis(200), "median {:?}", took[100]);
    assert!(took[199] < Duration::from_millis(800), "last {:?}", took[199]);
}

#[tokio::test]
async fn a_reset_ends_open_and_new_connections_on_both_sides_after_their_time() {
    let (tell, mut told) = tokio::sync::mpsc::channel(10);
    let server = server(move |mut socket| {
        let tell = tell.clone();
        async move {
            let mut byte = [0];
            loop {
                match socket.read(&mut byte).await {
                    Ok(1) => socket.write_all(&byte).await.unwrap(),
                    end => return tell.send(end).await.unwrap(),
                }
            }
        }
    })
    .await;
    let mut proxy = Running::start(Protocol::Tcp, server).await;
    let mut open = proxy.connect().await;
    ping(&mut open, b"a").await.unwrap();
    let id = proxy.apply(ProxyFault::TcpReset { after: ms(150) }).await;
    let mut new = proxy.connect().await;
    let start = now();
    ping(&mut new, b"b").await.unwrap();
    assert_reset(end_of(&mut open).await);
    assert_reset(end_of(&mut new).await);
    assert!((Duration::from_millis(145)..Duration::from_millis(400)).contains(&start.elapsed()));
    assert_reset(told.recv().await.unwrap());
    assert_reset(told.recv().await.unwrap());
    assert_eq!(proxy.counts().await, (2, 2));
    proxy.remove(id).await;
    let mut spared = proxy.connect().await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    ping(&mut spared, b"c").await.unwrap();
    proxy.apply(ProxyFault::TcpReset { after: ms(100) }).await;
    assert_reset(end_of(&mut spared).await);
}

#[tokio::test]
async fn a_reset_taken_away_in_time_resets_nobody() {
    let mut proxy = Running::start(Protocol::Tcp, echo().await).await;
    let id = proxy.apply(ProxyFault::TcpReset { after: ms(300) }).await;
    let mut socket = proxy.connect().await;
    ping(&mut socket, b"a").await.unwrap();
    proxy.remove(id).await;
    tokio::time::sleep(Duration::from_millis(350)).await;
    ping(&mut socket, b"b").await.unwrap();
}

#[tokio::test]
async fn down_cuts_open_connections_refuses_new_ones_and_ends() {
    let mut proxy = Running::start(Protocol::Tcp, echo().await).await;
    let mut open = proxy.connect().await;
    ping(&mut open, b"a").await.unwrap();
    let id = proxy.apply(ProxyFault::TcpDown {}).await;
    assert_reset(end_of(&mut open).await);
    for _ in 0..10 {
        let start = now();
        assert_reset(end_of(&mut proxy.connect().await).await);
        assert!(start.elapsed() < Duration::from_millis(500));
    }
    assert_eq!(proxy.counts().await, (11, 11));
    proxy.remove(id).await;
    ping(&mut proxy.connect().await, b"b").await.unwrap();
}

#[tokio::test]
async fn a_percentage_picks_about_that_many_connections_and_the_same_ones_every_time() {
    let server = echo().await;
    let mut picks = Vec::new();
    let told = rule(ProxyFault::TcpDown {});
    for seed in [1, 1, 2] {
        let mut proxy = Running::start(Protocol::Tcp, server).await;
        let told =
            steadfast_model::proxy::ProxyRule { percent: Percent::new(30.0).unwrap(), seed, ..told.clone() };
        proxy.apply_rule(told).await;
        let mut picked = Vec::new();
        for _ in 0..300 {
            picked.push(ping(&mut proxy.connect().await, b"x").await.is_err());
        }
        let hits = picked.iter().filter(|picked| **picked).count() as u64;
        assert!((60..120).contains(&hits), "{hits} of 300 at 30 %");
        assert_eq!(proxy.counts().await, (hits, 300));
        picks.push(picked);
    }
    assert_eq!(picks[0], picks[1]);
    assert_ne!(picks[1], picks[2]);
}

//! Nothing injected: bytes and endings pass unchanged.

use std::{sync::Arc, time::Duration};

use steadfast_model::proxy::{Protocol, Stream};
use steadfast_proxy::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{RealClock, Running, assert_reset, delay, echo, end_of, nobody, now, ping, server};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_pass_both_ways_and_are_counted() {
    let mut proxy = Running::start(Protocol::Tcp, echo().await).await;
    let mut socket = proxy.connect().await;
    let sent: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    let (mut read, mut write) = socket.split();
    let mut back = Vec::new();
    let (written, got) = tokio::join!(
        async {
            write.write_all(&sent).await.unwrap();
            write.shutdown().await
        },
        read.read_to_end(&mut back)
    );
    written.unwrap();
    got.unwrap();
    assert!(back == sent, "bytes changed on their way");
    let status = proxy.status().await;
    assert_eq!((status.connections, status.requests, status.bytes), (1, 0, 6_000_000));
    assert_eq!(status.name, "a-b");
    for _ in 0..100 {
        if proxy.status().await.open_connections == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("the connection is never forgotten");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fast_path_carries_hundreds_of_megabits() {
    let sink = server(|mut socket| async move {
        tokio::io::copy(&mut socket, &mut tokio::io::sink()).await.unwrap();
        socket.write_all(b"done").await.unwrap();
    })
    .await;
    let proxy = Running::start(Protocol::Tcp, sink).await;
    let mut socket = proxy.connect().await;
    let (start, chunk) = (now(), vec![7_u8; 1024 * 1024]);
    for _ in 0..64 {
        socket.write_all(&chunk).await.unwrap();
    }
    socket.shutdown().await.unwrap();
    assert_eq!(end_of(&mut socket).await.unwrap(), b"done");
    assert!(start.elapsed() < Duration::from_secs(5), "64 MiB took {:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_that_come_and_go_while_much_is_carried_change_no_byte() {
    const BLOCK: usize = 1_000_003;
    const BLOCKS: usize = 96;
    let mut proxy = Running::start(Protocol::Tcp, echo().await).await;
    let (mut read, mut write) = proxy.connect().await.into_split();
    let block: Vec<u8> = (0..BLOCK).map(|n| (n % 251) as u8).collect();
    let sent = block.clone();
    let writing = tokio::spawn(async move {
        for _ in 0..BLOCKS {
            write.write_all(&sent).await.unwrap();
        }
        write.shutdown().await.unwrap();
    });
    let mut back = vec![0; BLOCK];
    for number in 0..BLOCKS {
        // Every few blocks one way or the other is looked at for a while.
        let stream = if number % 16 < 8 { Stream::Upstream } else { Stream::Downstream };
        if number % 8 == 2 {
            let rule = proxy.apply(delay(3, stream)).await;
            read.read_exact(&mut back).await.unwrap();
            proxy.remove(rule).await;
        } else {
            read.read_exact(&mut back).await.unwrap();
        }
        assert!(back == block, "bytes changed on their way in block {number}");
    }
    assert_eq!(read.read(&mut back).await.unwrap(), 0);
    writing.await.unwrap();
    assert_eq!(proxy.status().await.bytes, 2 * (BLOCK * BLOCKS) as u64);
}

#[tokio::test]
async fn half_a_connection_may_end_before_the_other() {
    let server = server(|mut socket| async move {
        let mut all = Vec::new();
        socket.read_to_end(&mut all).await.unwrap();
        all.reverse();
        socket.write_all(&all).await.unwrap();
    })
    .await;
    let proxy = Running::start(Protocol::Tcp, server).await;
    let mut socket = proxy.connect().await;
    socket.write_all(b"abc").await.unwrap();
    socket.shutdown().await.unwrap();
    assert_eq!(end_of(&mut socket).await.unwrap(), b"cba");
}

#[tokio::test]
async fn the_client_sees_the_end_the_server_chose() {
    let closes = server(|mut socket| async move {
        let kind = socket.read_u8().await.unwrap();
        if kind == b'r' {
            socket.set_zero_linger().unwrap();
        }
    })
    .await;
    let proxy = Running::start(Protocol::Tcp, closes).await;
    let mut in_order = proxy.connect().await;
    in_order.write_all(b"f").await.unwrap();
    assert_eq!(end_of(&mut in_order).await.unwrap(), b"");
    let mut reset = proxy.connect().await;
    reset.write_all(b"r").await.unwrap();
    assert_reset(end_of(&mut reset).await);
}

#[tokio::test]
async fn the_server_sees_that_the_client_died() {
    let (tell, mut told) = tokio::sync::mpsc::channel(1);
    let server = server(move |mut socket| {
        let tell = tell.clone();
        async move {
            let mut byte = [0; 2];
            socket.write_all(&vec![1; 100_000]).await.unwrap();
            let read = async {
                while socket.read(&mut byte).await? > 0 {}
                std::io::Result::Ok(())
            }
            .await;
            tell.send(read).await.unwrap();
        }
    })
    .await;
    let proxy = Running::start(Protocol::Tcp, server).await;
    let mut dies = proxy.connect().await;
    dies.read_u8().await.unwrap();
    // Unread bytes make the kernel send a reset.
    drop(dies);
    assert_reset(told.recv().await.unwrap());
    let mut leaves = proxy.connect().await;
    leaves.set_zero_linger().unwrap();
    ping_first(&mut leaves).await;
    drop(leaves);
    assert_reset(told.recv().await.unwrap());
}

async fn ping_first(socket: &mut tokio::net::TcpStream) {
    socket.write_all(b"x").await.unwrap();
    socket.read_u8().await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_not_there_resets_the_client() {
    let proxy = Running::start(Protocol::Tcp, nobody()).await;
    assert_reset(end_of(&mut proxy.connect().await).await);
}

#[tokio::test]
async fn one_connection_too_many_is_reset_and_the_others_stay() {
    let limits = Limits { connections: 2, ..Limits::default() };
    let proxy = Running::start_with(Protocol::Tcp, echo().await, limits, Arc::new(RealClock)).await;
    let (mut first, mut second) = (proxy.connect().await, proxy.connect().await);
    ping(&mut first, b"a").await.unwrap();
    ping(&mut second, b"b").await.unwrap();
    assert_reset(end_of(&mut proxy.connect().await).await);
    ping(&mut first, b"a").await.unwrap();
    drop(second);
    for _ in 0..100 {
        let mut third = proxy.connect().await;
        if ping(&mut third, b"c").await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("room is never made again");
}

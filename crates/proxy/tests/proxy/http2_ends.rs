//! How connections of HTTP/2 begin and end.

use std::{
    sync::{Arc, atomic::Ordering::SeqCst},
    time::Duration,
};

use serde_json::json;
use steadfast_model::proxy::{Protocol, Stream};
use steadfast_proxy::Limits;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use crate::{
    http2::{ask, client, h2_server},
    support::{RealClock, Running, delay, end_of, nobody, now, server, told},
};

#[tokio::test]
async fn what_goes_wrong_at_one_end_is_told_at_the_other() {
    let (upstream, seen) = h2_server().await;
    let proxy = Running::start(Protocol::Http, upstream).await;
    let (sender, driver) = client(proxy.address).await;
    // A client gives one stream up.
    let never = ask(&sender, "GET", "/never", "");
    assert!(timeout(Duration::from_millis(100), never).await.is_err());
    timeout(Duration::from_secs(2), async {
        while seen.given_up.load(SeqCst) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("the server still works for nobody");
    // The server leaves: what is under way is finished, and the client is told.
    let slow = {
        let sender = sender.clone();
        tokio::spawn(async move { ask(&sender, "GET", "/slow", "").await })
    };
    while seen.requests.load(SeqCst) < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    seen.leave.notify_waiters();
    assert_eq!(slow.await.unwrap().unwrap().0, 200);
    timeout(Duration::from_secs(2), driver).await.expect("the client was not told").unwrap().unwrap();
}

#[tokio::test]
async fn a_server_that_is_not_there_or_speaks_no_http_2_is_told_as_502() {
    let proxy = Running::start(Protocol::Http, nobody()).await;
    let (sender, _driver) = client(proxy.address).await;
    for _ in 0..2 {
        let (status, body) = ask(&sender, "GET", "/", "").await.unwrap();
        let body = String::from_utf8_lossy(&body);
        assert!(status == 502 && body.contains("could not reach 127.0.0.1:1"), "{status} {body}");
    }
    let old = server(|mut socket| async move {
        socket.read_exact(&mut [0; 24]).await.unwrap();
        socket.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await.unwrap();
        drop(socket.read(&mut [0; 1000]).await);
    })
    .await;
    let proxy = Running::start(Protocol::Http, old).await;
    let (sender, _driver) = client(proxy.address).await;
    let (status, body) = ask(&sender, "GET", "/", "").await.unwrap();
    let body = String::from_utf8_lossy(&body);
    assert!(status == 502 && body.contains("does not speak HTTP/2"), "{status} {body}");
}

#[tokio::test]
async fn faults_on_bytes_act_below_http_2_as_well() {
    let (upstream, _) = h2_server().await;
    let mut proxy = Running::start(Protocol::Http, upstream).await;
    let (sender, driver) = client(proxy.address).await;
    ask(&sender, "GET", "/", "").await.unwrap();
    let id = proxy.apply(delay(200, Stream::Downstream)).await;
    let start = now();
    ask(&sender, "GET", "/", "").await.unwrap();
    assert!((Duration::from_millis(200)..Duration::from_millis(400)).contains(&start.elapsed()));
    proxy.remove(id).await;
    proxy.apply(told(json!({ "tcpReset": { "after": "0s" } }))).await;
    assert!(timeout(Duration::from_secs(2), driver).await.expect("not reset").unwrap().is_err());
}

#[tokio::test]
async fn a_preface_in_pieces_is_recognised_and_one_that_stays_a_piece_is_cut_off() {
    let (upstream, _) = h2_server().await;
    let limits = Limits { head: Duration::from_millis(300), ..Default::default() };
    let clock = Arc::new(RealClock);
    let proxy = Running::start_with(Protocol::Http, upstream, limits, clock).await;
    let mut socket = proxy.connect().await;
    socket.set_nodelay(true).unwrap();
    for byte in b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" {
        socket.write_all(&[*byte]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    socket.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await.unwrap();
    // The server's settings.
    assert_eq!(socket.read_u32().await.unwrap() & 0xff, 4);
    let mut slow = proxy.connect().await;
    let start = now();
    slow.write_all(b"PRI * HT").await.unwrap();
    drop(end_of(&mut slow).await);
    assert!((Duration::from_millis(295)..Duration::from_millis(700)).contains(&start.elapsed()));
}

//! Rules end by themselves, whoever is alive.

use std::{sync::Arc, time::Duration};

use steadfast_model::{
    BootTime, Clock,
    clock::ManualClock,
    proxy::{Protocol, ProxyRule, Stream},
};
use steadfast_proxy::{Limits, control::Client};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{RealClock, Running, delay, echo, now, ping, rule};

#[tokio::test]
async fn a_rule_ends_at_its_deadline_and_frees_what_it_holds_with_no_client_alive() {
    let mut proxy = Running::start(Protocol::Tcp, echo().await).await;
    let mut told = rule(delay(60_000, Stream::Both));
    told.deadline = RealClock.boot().after(Duration::from_millis(300));
    let start = now();
    let mut controller = Client::connect(&proxy.control).await.unwrap();
    controller.apply(told.clone()).await.unwrap();
    drop(controller);
    let mut socket = proxy.connect().await;
    socket.write_all(b"stuck").await.unwrap();
    socket.read_exact(&mut [0; 5]).await.unwrap();
    let took = start.elapsed();
    assert!((Duration::from_millis(290)..Duration::from_millis(600)).contains(&took), "{took:?}");
    assert!(proxy.status().await.rules.is_empty());
    let again = ProxyRule { deadline: RealClock.boot().after(Duration::from_secs(9)), ..told };
    assert!(proxy.client.apply(again).await.unwrap_err().to_string().contains("was removed"));
}

#[tokio::test]
async fn a_lease_ends_a_rule_unless_it_is_renewed_and_never_beyond_the_deadline() {
    let mut proxy = Running::start(Protocol::Tcp, echo().await).await;
    let mut told = rule(delay(60_000, Stream::Both));
    let begin = RealClock.boot();
    told.lease = begin.after(Duration::from_millis(200));
    told.deadline = begin.after(Duration::from_millis(700));
    proxy.apply_rule(told.clone()).await;
    proxy.client.renew(told.id, begin.after(Duration::from_secs(60))).await.unwrap();
    tokio::time::sleep(Duration::from_millis(350)).await;
    assert_eq!(proxy.status().await.rules.len(), 1, "the lease was renewed");
    let mut socket = proxy.connect().await;
    ping(&mut socket, b"held").await.unwrap();
    let over = RealClock.boot().since(begin);
    assert!((Duration::from_millis(700)..Duration::from_millis(1000)).contains(&over), "{over:?}");
    assert!(proxy.client.renew(told.id, begin.after(Duration::from_secs(60))).await.is_err());

    let mut told = rule(delay(60_000, Stream::Both));
    told.lease = RealClock.boot().after(Duration::from_millis(150));
    proxy.apply_rule(told).await;
    let start = now();
    ping(&mut socket, b"held").await.unwrap();
    assert!((Duration::from_millis(100)..Duration::from_millis(450)).contains(&start.elapsed()));
}

#[tokio::test]
async fn time_is_the_clocks_so_a_suspend_ends_rules_soon_after() {
    let clock = Arc::new(ManualClock::default());
    let mut proxy = Running::start_with(
        Protocol::Tcp,
        echo().await,
        Limits::default(),
        Arc::clone(&clock) as Arc<dyn Clock>,
    )
    .await;
    let mut told = rule(delay(60_000, Stream::Both));
    (told.lease, told.deadline) = (BootTime(10_000_000_000), BootTime(60_000_000_000));
    proxy.apply_rule(told).await;
    let mut socket = proxy.connect().await;
    socket.write_all(b"held").await.unwrap();
    let early = tokio::time::timeout(Duration::from_millis(250), socket.read_u8()).await;
    assert!(early.is_err(), "no time has passed on that clock");
    clock.advance(Duration::from_secs(10));
    let start = now();
    socket.read_exact(&mut [0; 4]).await.unwrap();
    assert!(start.elapsed() < Duration::from_millis(400), "{:?}", start.elapsed());
}

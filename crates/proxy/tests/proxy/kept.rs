//! Rules that the proxy's own process keeps, and what only these can be: nothing yet, changed, everlasting.

use std::{sync::Arc, time::Duration};

use steadfast_model::{
    ByteRate, ByteSize, Percent,
    clock::ManualClock,
    proxy::{Protocol, ProxyFault, Stream},
};
use steadfast_proxy::{Flow, KeptRule, Limits};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::support::{Running, assert_reset, delay, echo, end_of, http_delay, ms, now, ping, server};

fn kept(fault: ProxyFault) -> KeptRule {
    KeptRule { fault, percent: Percent::ALL, seed: 1 }
}

fn limit(bytes: u64, stream: Stream) -> KeptRule {
    kept(ProxyFault::TcpLimitData { limit: ByteSize::new(bytes).unwrap(), stream })
}

fn silence(millis: u64) -> KeptRule {
    kept(ProxyFault::TcpTimeout { after: ms(millis), stream: Stream::Downstream })
}

/// Whether nothing comes for so long, and the connection stays.
async fn is_silent(socket: &mut TcpStream, millis: u64) -> bool {
    timeout(Duration::from_millis(millis), socket.read_u8()).await.is_err()
}

#[tokio::test]
async fn a_kept_rule_outlives_every_deadline_and_ends_when_it_is_removed() {
    let clock = Arc::new(ManualClock::default());
    let proxy =
        Running::start_with(Protocol::Tcp, echo().await, Limits::default(), Arc::clone(&clock) as _).await;
    let id = proxy.handle.keep(kept(ProxyFault::TcpDown {})).unwrap();
    clock.advance(Duration::from_secs(1000 * 24 * 60 * 60));
    // Longer than it takes to look at the clock again.
    tokio::time::sleep(Duration::from_millis(250)).await;
    assert_reset(end_of(&mut proxy.connect().await).await);
    assert_eq!(proxy.handle.status().rules[0].hits, 1);
    proxy.handle.remove(id);
    ping(&mut proxy.connect().await, b"a").await.unwrap();
    assert!(proxy.handle.alter(id, kept(ProxyFault::TcpDown {})).unwrap_err().contains("not in place"));
}

#[tokio::test]
async fn what_does_nothing_may_be_kept_and_what_makes_no_sense_may_not() {
    let proxy = Running::start(Protocol::Tcp, echo().await).await;
    let id = proxy.handle.keep(kept(delay(0, Stream::Both))).unwrap();
    let mut socket = proxy.connect().await;
    ping(&mut socket, b"a").await.unwrap();
    proxy.handle.alter(id, kept(delay(200, Stream::Upstream))).unwrap();
    let start = now();
    ping(&mut socket, b"b").await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(200));
    let hours = kept(delay(3_600_001, Stream::Both));
    assert!(proxy.handle.alter(id, hours.clone()).unwrap_err().contains("longer than 1h"));
    assert!(proxy.handle.keep(hours).unwrap_err().contains("longer than 1h"));
    assert!(proxy.handle.keep(kept(http_delay(1))).unwrap_err().contains("`tcp*`"));
    for _ in 1..100 {
        proxy.handle.keep(kept(delay(0, Stream::Both))).unwrap();
    }
    assert!(proxy.handle.keep(kept(delay(0, Stream::Both))).unwrap_err().contains("100 rules already"));
}

#[tokio::test]
async fn a_limit_that_is_changed_counts_what_has_passed() {
    let proxy = Running::start(Protocol::Tcp, echo().await).await;
    let id = proxy.handle.keep(limit(4, Stream::Downstream)).unwrap();
    let (mut one, mut other) = (proxy.connect().await, proxy.connect().await);
    ping(&mut one, b"abc").await.unwrap();
    ping(&mut other, b"abc").await.unwrap();
    proxy.handle.alter(id, limit(5, Stream::Downstream)).unwrap();
    one.write_all(b"defg").await.unwrap();
    assert_eq!(end_of(&mut one).await.unwrap(), b"de");
    // Below what has passed: nothing more does.
    proxy.handle.alter(id, limit(2, Stream::Downstream)).unwrap();
    other.write_all(b"defg").await.unwrap();
    assert_eq!(end_of(&mut other).await.unwrap(), b"");
    assert_eq!(proxy.handle.status().rules[0].hits, 2);
}

#[tokio::test]
async fn a_limit_of_nothing_ends_a_connection_at_its_first_byte_either_way() {
    for stream in [Stream::Upstream, Stream::Downstream] {
        let proxy = Running::start(Protocol::Tcp, echo().await).await;
        proxy.handle.keep(limit(0, stream)).unwrap();
        let mut socket = proxy.connect().await;
        assert!(is_silent(&mut socket, 200).await);
        socket.write_all(b"abc").await.unwrap();
        assert_eq!(end_of(&mut socket).await.unwrap(), b"", "{stream:?}");
    }
}

#[tokio::test]
async fn what_is_held_is_let_go_when_the_rule_goes_or_turns_into_a_rate() {
    for stream in [Stream::Upstream, Stream::Downstream, Stream::Both] {
        let proxy = Running::start(Protocol::Tcp, echo().await).await;
        let mut socket = proxy.connect().await;
        let hold = kept(ProxyFault::TcpHold { stream });
        let id = proxy.handle.keep(hold.clone()).unwrap();
        socket.write_all(b"abc").await.unwrap();
        assert!(is_silent(&mut socket, 300).await, "{stream:?}");
        assert_eq!(proxy.handle.status().rules[0].hits, 1);
        let rate = ByteRate::bits_per_second(1_000_000).unwrap();
        proxy.handle.alter(id, kept(ProxyFault::TcpBandwidth { rate, stream })).unwrap();
        let mut back = [0; 3];
        socket.read_exact(&mut back).await.unwrap();
        assert_eq!(&back, b"abc");
        proxy.handle.alter(id, hold).unwrap();
        socket.write_all(b"def").await.unwrap();
        socket.shutdown().await.unwrap();
        assert!(is_silent(&mut socket, 200).await, "{stream:?}");
        proxy.handle.remove(id);
        assert_eq!(end_of(&mut socket).await.unwrap(), b"def", "nothing is lost, the end is kept");
    }
}

#[tokio::test]
async fn a_cut_lets_an_idle_connection_be_and_resets_it_after_its_first_byte() {
    let (tell, mut told) = tokio::sync::mpsc::channel(10);
    let server = server(move |mut socket| {
        let tell = tell.clone();
        async move {
            let mut request = [0; 4];
            socket.read_exact(&mut request).await.unwrap();
            tell.send(request).await.unwrap();
            socket.write_all(b"answer").await.unwrap();
            drop(socket.read_u8().await);
        }
    })
    .await;
    for after in [0, 200] {
        let proxy = Running::start(Protocol::Tcp, server).await;
        let mut open = proxy.connect().await;
        let cut = kept(ProxyFault::TcpCut { after: ms(after), stream: Stream::Downstream });
        proxy.handle.keep(cut).unwrap();
        let mut new = proxy.connect().await;
        for socket in [&mut open, &mut new] {
            assert!(is_silent(socket, 250).await, "idle");
            let start = now();
            socket.write_all(b"work").await.unwrap();
            // A client that says no more still hears how it ends.
            socket.shutdown().await.unwrap();
            assert_reset(end_of(socket).await);
            let took = start.elapsed();
            let expected = Duration::from_millis(after);
            assert!((expected..expected + Duration::from_millis(500)).contains(&took), "{took:?}");
            assert_eq!(told.recv().await.unwrap(), *b"work", "the server did its work");
        }
        let status = proxy.handle.status();
        assert_eq!((status.rules[0].hits, status.rules[0].seen), (2, 2));
        assert_eq!(proxy.handle.traffic().downstream.sent, 0);
    }
}

#[tokio::test]
async fn a_silence_that_gets_an_end_ends_that_long_after_the_change() {
    let proxy = Running::start(Protocol::Tcp, echo().await).await;
    let id = proxy.handle.keep(silence(0)).unwrap();
    let mut socket = proxy.connect().await;
    socket.write_all(b"lost").await.unwrap();
    assert!(is_silent(&mut socket, 400).await);
    proxy.handle.alter(id, silence(300)).unwrap();
    let start = now();
    assert_eq!(end_of(&mut socket).await.unwrap(), b"", "closed in good order");
    let took = start.elapsed();
    assert!((Duration::from_millis(299)..Duration::from_millis(800)).contains(&took), "{took:?}");
    assert_eq!(proxy.handle.status().rules[0].seen, 1);
}

#[tokio::test]
async fn a_connection_that_lost_bytes_does_not_go_on_when_it_is_let_go() {
    let proxy = Running::start(Protocol::Tcp, echo().await).await;
    let id = proxy.handle.keep(silence(0)).unwrap();
    let (mut lost, mut whole) = (proxy.connect().await, proxy.connect().await);
    lost.write_all(b"lost").await.unwrap();
    assert!(is_silent(&mut lost, 100).await);
    let nobody = Percent::new(0.0).unwrap();
    proxy.handle.alter(id, KeptRule { percent: nobody, ..silence(0) }).unwrap();
    assert_eq!(end_of(&mut lost).await.unwrap(), b"", "closed: it has a hole");
    ping(&mut whole, b"a").await.unwrap();
}

#[tokio::test]
async fn a_larger_share_takes_more_connections_and_lets_none_go() {
    let proxy = Running::start(Protocol::Tcp, echo().await).await;
    let share = |percent| KeptRule {
        percent: Percent::new(percent).unwrap(),
        ..kept(delay(60_000, Stream::Upstream))
    };
    let id = proxy.handle.keep(share(30.0)).unwrap();
    let mut sockets = Vec::new();
    for _ in 0..60 {
        sockets.push(proxy.connect().await);
    }
    let mut before = vec![false; sockets.len()];
    for percent in [30.0, 31.0, 60.0, 60.0] {
        proxy.handle.alter(id, share(percent)).unwrap();
        for socket in &mut sockets {
            socket.write_all(b"x").await.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        let chosen: Vec<bool> = sockets.iter().map(|socket| socket.try_read(&mut [0]).is_err()).collect();
        assert!(before.iter().zip(&chosen).all(|(before, now)| *now || !before), "{before:?} {chosen:?}");
        before = chosen;
    }
    let share = before.iter().filter(|chosen| **chosen).count();
    assert!((22..50).contains(&share), "{share} of 60 at 60 %");
}

#[tokio::test]
async fn bytes_are_counted_by_direction_as_they_come_and_go() {
    let proxy = Running::start(Protocol::Tcp, echo().await).await;
    let mut socket = proxy.connect().await;
    ping(&mut socket, b"hello").await.unwrap();
    let traffic = proxy.handle.traffic();
    assert_eq!(traffic.upstream, Flow { received: 5, sent: 5 });
    assert_eq!(traffic.downstream, Flow { received: 5, sent: 5 });
    assert_eq!(proxy.handle.status().bytes, 10);
    proxy.handle.keep(silence(0)).unwrap();
    socket.write_all(b"hello").await.unwrap();
    assert!(is_silent(&mut socket, 200).await);
    let traffic = proxy.handle.traffic() + proxy.handle.traffic();
    assert_eq!(traffic.upstream, Flow { received: 20, sent: 20 });
    assert_eq!(traffic.downstream, Flow { received: 20, sent: 10 }, "what was swallowed was not sent");
}

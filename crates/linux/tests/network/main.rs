//! Real packets between real network namespaces.

mod chance;
mod holding;
mod rates;
mod resets;

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream, UdpSocket},
    thread,
};

use holding::{Holding, SOON, arrives, ends, is_likely, named};
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;
use steadfast_testkit::NetnsPair;

fn seconds() -> f64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as f64 + now.tv_nsec as f64 / 1e9
}

/// The median time of a round trip from the first to the second end, in milliseconds.
fn round_trip(a: &UdpSocket, b: &UdpSocket) -> f64 {
    let mut times: Vec<f64> = (0..21)
        .map(|_| {
            let begun = seconds();
            let there = arrives(a, b);
            assert!(there && arrives(b, a), "{a:?} to {b:?}: arrived {there}");
            (seconds() - begun) * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[10]
}

#[test]
fn a_silent_partition_drops_both_ways_for_both_families_and_nobody_notices() {
    let Some(pair) =
        NetnsPair::new_or_skip("a_silent_partition_drops_both_ways_for_both_families_and_nobody_notices")
    else {
        return;
    };
    let (four, six) = (ends(&pair, false, 7001), ends(&pair, true, 7001));
    let before = NetnsPair::snapshot(&pair.a);
    assert!(arrives(&four.0, &four.1) && arrives(&six.1, &six.0));
    let mut holding = Holding::put(&pair, json!({ "partition": { "visible": false } }), json!({}));
    assert_eq!(holding.status(&pair).unwrap().seen, 0);
    for (a, b) in [&four, &six] {
        // Sending succeeds: the sender is not told.
        assert!(!arrives(a, b));
        assert!(!arrives(b, a));
    }
    let counted = holding.status(&pair).unwrap();
    assert!(counted.seen >= 4 && counted.hits == counted.seen, "{counted:?}");
    holding.take_away();
    assert_eq!(holding.status(&pair), None);
    assert!(arrives(&four.0, &four.1) && arrives(&six.1, &six.0));
    assert_eq!(NetnsPair::snapshot(&pair.a), before);
}

#[test]
fn direction_peer_port_and_protocol_narrow_a_partition() {
    let Some(pair) = NetnsPair::new_or_skip("direction_peer_port_and_protocol_narrow_a_partition") else {
        return;
    };
    let silent = || json!({ "partition": { "visible": false } });
    let (a, b) = ends(&pair, false, 7002);
    let (a6, b6) = ends(&pair, true, 7002);
    // What is narrowed to, and whether packets get out, in, and out over IPv6.
    for (traffic, expected) in [
        (json!({ "direction": "egress" }), [false, true, false]),
        (json!({ "direction": "ingress" }), [true, false, true]),
        (json!({ "peers": ["10.77.0.2"] }), [false, false, true]),
        (json!({ "peers": ["10.77.0.0/24", "192.0.2.1"] }), [false, false, true]),
        (json!({ "peers": ["fd77::/16"] }), [true, true, false]),
        (json!({ "peers": ["10.77.0.3", "10.77.1.0/24", "fd77::3"] }), [true, true, true]),
        (json!({ "peers": ["0.0.0.0/0"] }), [false, false, true]),
        (json!({ "ports": [7002] }), [false, false, false]),
        (json!({ "ports": ["7000-7002"], "protocol": "udp" }), [false, false, false]),
        (json!({ "ports": ["7003-7010", 7001] }), [true, true, true]),
        (json!({ "protocol": "tcp" }), [true, true, true]),
        (json!({ "protocol": "icmp", "peers": ["10.77.0.0/24"] }), [true, true, true]),
        (
            json!({ "protocol": "udp", "peers": ["10.77.0.0/24"], "direction": "ingress" }),
            [true, false, true],
        ),
    ] {
        let mut holding = Holding::put(&pair, silent(), traffic.clone());
        assert_eq!([arrives(&a, &b), arrives(&b, &a), arrives(&a6, &b6)], expected, "{traffic}");
        holding.take_away();
    }
    assert!(arrives(&a, &b) && arrives(&b, &a));
}

#[test]
fn a_visible_partition_tells_who_sends() {
    let Some(pair) = NetnsPair::new_or_skip("a_visible_partition_tells_who_sends") else { return };
    let address = SocketAddr::from((NetnsPair::ADDRESS_B, 7003));
    let listener = named(&pair.b).inside(|| TcpListener::bind(address).unwrap()).unwrap();
    let connect = || named(&pair.a).inside(|| TcpStream::connect_timeout(&address, SOON)).unwrap();
    let mut open = connect().unwrap();
    let (mut accepted, _) = listener.accept().unwrap();
    accepted.set_read_timeout(Some(SOON)).unwrap();
    open.write_all(b"x").unwrap();
    accepted.read_exact(&mut [0]).unwrap();

    let mut silent = Holding::put(&pair, json!({ "partition": { "visible": false } }), json!({}));
    assert_eq!(connect().unwrap_err().kind(), ErrorKind::TimedOut);
    silent.take_away();

    let mut visible = Holding::put(&pair, json!({ "partition": { "visible": true } }), json!({}));
    assert_eq!(connect().unwrap_err().kind(), ErrorKind::ConnectionRefused);
    open.write_all(b"y").unwrap();
    open.set_read_timeout(Some(SOON)).unwrap();
    assert_eq!(open.read(&mut [0]).unwrap_err().kind(), ErrorKind::ConnectionReset);
    let counted = visible.status(&pair).unwrap();
    assert!(counted.hits >= 2, "{counted:?}");
    // Who sends from outside is told too: the answer to what came in gets out.
    let inside = SocketAddr::from((NetnsPair::ADDRESS_A, 7003));
    let _listener = named(&pair.a).inside(|| TcpListener::bind(inside).unwrap()).unwrap();
    let from_outside = named(&pair.b).inside(|| TcpStream::connect_timeout(&inside, SOON)).unwrap();
    assert_eq!(from_outside.unwrap_err().kind(), ErrorKind::ConnectionRefused);
    // Inside the namespace everything goes on.
    let own = named(&pair.a).inside(|| UdpSocket::bind("127.0.0.1:0").unwrap()).unwrap();
    own.set_read_timeout(Some(SOON)).unwrap();
    assert!(arrives(&own, &own));
    visible.take_away();
    drop(connect().unwrap());
}

#[test]
fn as_many_packets_are_lost_as_asked_for() {
    let Some(pair) = NetnsPair::new_or_skip("as_many_packets_are_lost_as_asked_for") else { return };
    let (a, b) = ends(&pair, false, 7004);
    const PACKETS: u32 = 20_000;
    for (direction, from, to) in [("egress", &a, &b), ("ingress", &b, &a)] {
        let loss = json!({ "loss": { "percent": "10%" } });
        let mut holding = Holding::put(&pair, loss, json!({ "direction": direction, "protocol": "udp" }));
        let mut arrived = 0_u32;
        for _ in 0..PACKETS / 100 {
            for _ in 0..100 {
                from.send_to(b"x", to.local_addr().unwrap()).unwrap();
            }
            to.set_nonblocking(true).unwrap();
            while to.recv(&mut [0; 8]).is_ok() {
                arrived += 1;
            }
            to.set_nonblocking(false).unwrap();
        }
        let (counted, lost) = (holding.status(&pair).unwrap(), f64::from(PACKETS - arrived));
        assert_eq!(counted.seen, u64::from(PACKETS));
        assert_eq!(counted.hits, u64::from(PACKETS - arrived));
        assert!(is_likely(lost, f64::from(PACKETS), 0.1), "{direction}: {lost} of {PACKETS}");
        holding.take_away();
    }
}

#[test]
fn packets_are_held_on_their_way_in_out_and_both_ways() {
    let Some(pair) = NetnsPair::new_or_skip("packets_are_held_on_their_way_in_out_and_both_ways") else {
        return;
    };
    let delay = || json!({ "delay": { "latency": "20ms", "jitter": "0s", "keep_order": false, "seed": 0 } });
    for (direction, floor) in [("ingress", 20.0), ("egress", 20.0), ("both", 40.0)] {
        for six in [false, true] {
            let (a, b) = ends(&pair, six, 7005);
            assert!(round_trip(&a, &b) < 5.0);
            let before = NetnsPair::snapshot(&pair.a);
            let mut holding = Holding::put(&pair, delay(), json!({ "direction": direction }));
            let took = round_trip(&a, &b);
            assert!((floor..floor + 8.0).contains(&took), "{direction}, IPv6 {six}: {took} ms");
            let counted = holding.status(&pair).unwrap();
            assert!(counted.hits >= 21, "{counted:?}");
            holding.take_away();
            assert!(round_trip(&a, &b) < 5.0);
            assert_eq!(NetnsPair::snapshot(&pair.a), before);
        }
    }
}

#[test]
fn what_is_held_is_let_go_when_the_delay_ends_and_nothing_else_was_held() {
    let Some(pair) =
        NetnsPair::new_or_skip("what_is_held_is_let_go_when_the_delay_ends_and_nothing_else_was_held")
    else {
        return;
    };
    let delay = json!({ "delay": { "latency": "1m", "jitter": "0s", "keep_order": false, "seed": 0 } });
    let (a, b) = ends(&pair, false, 7006);
    let (other_a, other_b) = ends(&pair, false, 7007);
    let mut holding = Holding::put(&pair, delay, json!({ "ports": [7006] }));
    assert!(!arrives(&a, &b));
    let counted = holding.status(&pair).unwrap();
    assert_eq!((counted.seen, counted.hits), (1, 1), "on the way out");
    assert!(!arrives(&b, &a));
    let counted = holding.status(&pair).unwrap();
    assert_eq!((counted.seen, counted.hits), (2, 2), "and on the way in");
    assert!(arrives(&other_a, &other_b) && arrives(&other_b, &other_a));
    holding.take_away();
    a.recv(&mut [0; 8]).unwrap();
    b.recv(&mut [0; 8]).unwrap();
}

#[test]
fn as_many_peers_and_ports_as_a_document_may_name_are_put_in_place() {
    let Some(pair) =
        NetnsPair::new_or_skip("as_many_peers_and_ports_as_a_document_may_name_are_put_in_place")
    else {
        return;
    };
    let (a, b) = ends(&pair, false, 7064);
    let peers: Vec<String> =
        (1..64).map(|low| format!("10.78.0.{low}")).chain(["10.77.0.2".to_owned()]).collect();
    let ports: Vec<u16> = (7001..=7064).collect();
    for fault in [
        json!({ "partition": { "visible": false } }),
        json!({ "delay": { "latency": "1m", "jitter": "0s", "keep_order": false, "seed": 0 } }),
    ] {
        let mut holding = Holding::put(&pair, fault, json!({ "peers": peers, "ports": ports }));
        assert!(!arrives(&a, &b));
        holding.take_away();
        while b.recv(&mut [0; 8]).is_ok() {}
    }
}

#[test]
fn packets_that_find_no_room_to_wait_are_not_counted_as_held() {
    let Some(pair) = NetnsPair::new_or_skip("packets_that_find_no_room_to_wait_are_not_counted_as_held")
    else {
        return;
    };
    const PACKETS: u64 = 20_000;
    let delay = json!({ "delay": { "latency": "1m", "jitter": "0s", "keep_order": false, "seed": 0 } });
    let (a, b) = ends(&pair, false, 7065);
    for (direction, from, to) in [("egress", &a, &b), ("ingress", &b, &a)] {
        let traffic = json!({ "direction": direction, "protocol": "udp" });
        let mut holding = Holding::put(&pair, delay.clone(), traffic);
        for sent in 0..PACKETS {
            from.send_to(b"x", to.local_addr().unwrap()).unwrap();
            // No faster than they are taken: a full socket buffer would lose some before they are seen.
            if sent % 200 == 199 {
                let taken = |_: &u32| holding.status(&pair).unwrap().seen > sent;
                (0..100_000).inspect(|_| thread::yield_now()).find(taken).expect("packets are taken");
            }
        }
        // What found no room is told a moment later.
        let counted = (0..200_000)
            .inspect(|_| thread::yield_now())
            .map(|_| holding.status(&pair).unwrap())
            .find(|counted| counted.hits <= 16_384)
            .expect("what found no room is not counted as held");
        assert_eq!(counted.seen, PACKETS, "{direction}");
        assert!(counted.hits >= 16_300, "{direction}: {counted:?}");
        holding.take_away();
    }
}

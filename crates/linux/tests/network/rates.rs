//! Packets that go on no faster than a rate.

use std::{
    io::{Read, Write},
    net::{IpAddr, SocketAddr, TcpListener, TcpStream},
    thread,
};

use serde_json::json;
use steadfast_testkit::NetnsPair;

use super::{
    holding::{Holding, SOON, ends, named},
    seconds,
};

/// What one connection carries in two seconds after the first, in bits a second: out of the first namespace, or into it.
fn flow(pair: &NetnsPair, at: IpAddr, out: bool) -> f64 {
    let address = SocketAddr::from((at, 7301));
    let listener = named(&pair.b).inside(|| TcpListener::bind(address).unwrap()).unwrap();
    let ours = named(&pair.a).inside(|| TcpStream::connect(address).unwrap()).unwrap();
    let (theirs, _) = listener.accept().unwrap();
    let (mut from, mut to) = if out { (ours, theirs) } else { (theirs, ours) };
    let begun = seconds();
    let sending = thread::spawn(move || while from.write_all(&[0; 64 * 1024]).is_ok() {});
    let (mut bytes, mut first, mut buffer) = (0, None, vec![0; 64 * 1024]);
    while seconds() < begun + 3.0 {
        let read = to.read(&mut buffer).unwrap();
        if seconds() > begun + 1.0 {
            // What was read at this moment came before it.
            bytes += if first.is_none() { 0 } else { read };
            first = first.or(Some(seconds()));
        }
    }
    let took = seconds() - first.unwrap();
    // What is still sent is answered with a reset.
    drop(to);
    sending.join().unwrap();
    bytes as f64 * 8.0 / took
}

#[test]
fn tcp_flows_at_the_rate_that_was_asked_for_out_and_in() {
    let name = "tcp_flows_at_the_rate_that_was_asked_for_out_and_in";
    let Some(pair) = NetnsPair::new_or_skip(name) else { return };
    let before = NetnsPair::snapshot(&pair.a);
    // Below and above what is cut to fit a wire.
    for (rate, bits, burst, limit, at) in [
        ("10Mbit/s", 10e6, "12500B", "250kB", NetnsPair::ADDRESS_B),
        ("200Mbit/s", 200e6, "250kB", "5MB", NetnsPair::ADDRESS6_B),
    ] {
        for (direction, out) in [("egress", true), ("ingress", false)] {
            let fault = json!({ "bandwidth": { "rate": rate, "burst": burst, "limit": limit } });
            let mut holding = Holding::put(&pair, fault, json!({ "direction": direction }));
            let carried = flow(&pair, at, out);
            // Less by the headers, up to a twentieth, and by what a busy machine makes late.
            assert!((0.9..1.02).contains(&(carried / bits)), "{rate} {direction}: {carried}");
            let counted = holding.status(&pair).unwrap();
            assert!(counted.hits > 100 && counted.hits <= counted.seen, "{counted:?}");
            holding.take_away();
            assert_eq!(NetnsPair::snapshot(&pair.a), before);
        }
    }
}

#[test]
fn a_burst_goes_at_once_some_wait_and_what_finds_no_room_is_dropped() {
    let name = "a_burst_goes_at_once_some_wait_and_what_finds_no_room_is_dropped";
    let Some(pair) = NetnsPair::new_or_skip(name) else { return };
    let (a, b) = ends(&pair, false, 7302);
    for (direction, from, to) in [("egress", &a, &b), ("ingress", &b, &a)] {
        // Ten packets of 1,000 bytes, twenty more, at 100 a second.
        let fault = json!({ "bandwidth": { "rate": "100kB/s", "burst": "10kB", "limit": "20kB" } });
        let traffic = json!({ "direction": direction, "protocol": "udp", "ports": [7302] });
        let mut holding = Holding::put(&pair, fault, traffic);
        let begun = seconds();
        for number in 0..100_u8 {
            // 972 bytes and two headers.
            from.send_to(&[number; 972], to.local_addr().unwrap()).unwrap();
        }
        to.set_read_timeout(Some(SOON)).unwrap();
        let mut arrived = Vec::new();
        while to.recv(&mut [0; 1_000]).is_ok() {
            arrived.push(seconds() - begun);
        }
        let counted = holding.status(&pair).unwrap();
        // Ten and twenty, and one more for every 10 ms that a busy machine needs to take them in.
        assert!((30..=45).contains(&arrived.len()), "{direction}: {}: {arrived:?}", arrived.len());
        // The twentieth of those that waited goes after 200 ms, and the first not before its time.
        assert!(arrived[29] >= 0.19 && arrived[20] >= 0.1, "{direction}: {arrived:?}");
        assert_eq!(counted.seen, 100);
        assert!((75..=90).contains(&counted.hits), "{direction}: {counted:?}");
        holding.take_away();
    }
}

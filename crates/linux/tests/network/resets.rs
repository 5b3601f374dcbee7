//! TCP connections that are refused and reset.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use serde_json::json;
use steadfast_testkit::NetnsPair;

use super::holding::{Holding, SOON, arrives, ends, is_likely, named};

fn listen(netns: &str, address: SocketAddr) -> TcpListener {
    named(netns).inside(|| TcpListener::bind(address).unwrap()).unwrap()
}

fn connect(netns: &str, address: SocketAddr) -> std::io::Result<TcpStream> {
    let stream = named(netns).inside(|| TcpStream::connect_timeout(&address, SOON)).unwrap()?;
    stream.set_read_timeout(Some(SOON))?;
    Ok(stream)
}

/// A connection with both its ends, over which something has gone.
fn open(netns: &str, listener: &TcpListener) -> (TcpStream, TcpStream) {
    let mut ours = connect(netns, listener.local_addr().unwrap()).unwrap();
    let (mut theirs, _) = listener.accept().unwrap();
    theirs.set_read_timeout(Some(SOON)).unwrap();
    ours.write_all(b"x").unwrap();
    theirs.read_exact(&mut [0]).unwrap();
    (ours, theirs)
}

/// Whether who sends is told that the connection is gone.
fn is_reset(end: &mut TcpStream) -> bool {
    // The first only asks for the answer.
    end.write_all(b"y").is_err()
        || end.read(&mut [0]).is_err_and(|error| error.kind() == ErrorKind::ConnectionReset)
}

#[test]
fn new_connections_are_refused_and_open_ones_reset_at_their_next_packet_from_either_end() {
    let name = "new_connections_are_refused_and_open_ones_reset_at_their_next_packet_from_either_end";
    let Some(pair) = NetnsPair::new_or_skip(name) else { return };
    let addresses =
        [(NetnsPair::ADDRESS_A, NetnsPair::ADDRESS_B), (NetnsPair::ADDRESS6_A, NetnsPair::ADDRESS6_B)];
    for (inside, outside) in addresses {
        let (inside, outside) = (SocketAddr::from((inside, 7201)), SocketAddr::from((outside, 7201)));
        let (listening_a, listening_b) = (listen(&pair.a, inside), listen(&pair.b, outside));
        let (mut first, _peer_of_first) = open(&pair.a, &listening_b);
        let (_second, mut peer_of_second) = open(&pair.a, &listening_b);
        let (mut untouched, mut peer_of_untouched) = open(&pair.a, &listening_b);
        let (a, b) = ends(&pair, outside.is_ipv6(), 7201);
        let mut holding =
            Holding::put(&pair, json!({ "reset": { "percent": "100%" } }), json!({ "protocol": "tcp" }));
        assert_eq!(connect(&pair.a, outside).unwrap_err().kind(), ErrorKind::ConnectionRefused, "{outside}");
        assert_eq!(connect(&pair.b, inside).unwrap_err().kind(), ErrorKind::ConnectionRefused, "{inside}");
        assert!(is_reset(&mut first), "{outside}: by what the target sends");
        assert!(is_reset(&mut peer_of_second), "{outside}: by what its peer sends");
        assert!(arrives(&a, &b) && arrives(&b, &a), "nothing else is touched");
        let counted = holding.status(&pair).unwrap();
        assert!(counted.hits >= 4 && counted.hits == counted.seen, "{counted:?}");
        holding.take_away();
        // A connection on which nobody sent meanwhile is still open.
        untouched.write_all(b"z").unwrap();
        peer_of_untouched.read_exact(&mut [0]).unwrap();
        drop((connect(&pair.a, outside).unwrap(), connect(&pair.b, inside).unwrap(), listening_a));
    }
}

#[test]
fn direction_peer_and_port_narrow_what_is_reset() {
    let name = "direction_peer_and_port_narrow_what_is_reset";
    let Some(pair) = NetnsPair::new_or_skip(name) else { return };
    let [inside, outside] =
        [NetnsPair::ADDRESS_A, NetnsPair::ADDRESS_B].map(|at| SocketAddr::from((at, 7202)));
    let _listeners = (listen(&pair.a, inside), listen(&pair.b, outside));
    // What is narrowed to, and whether connections out of and into the namespace are refused.
    for (traffic, expected) in [
        (json!({ "direction": "egress", "ports": [7202] }), [true, true]),
        (json!({ "peers": ["10.77.0.3", "fd77::/16"] }), [false, false]),
        (json!({ "peers": ["10.77.0.0/24"], "ports": ["7200-7202"] }), [true, true]),
        (json!({ "ports": [7203] }), [false, false]),
    ] {
        let mut all = traffic.clone();
        all["protocol"] = json!("tcp");
        let mut holding = Holding::put(&pair, json!({ "reset": { "percent": "100%" } }), all);
        let fails = [connect(&pair.a, outside).is_err(), connect(&pair.b, inside).is_err()];
        assert_eq!(fails, expected, "{traffic}");
        holding.take_away();
    }
}

#[test]
fn as_many_packets_are_reset_as_asked_for() {
    let name = "as_many_packets_are_reset_as_asked_for";
    let Some(pair) = NetnsPair::new_or_skip(name) else { return };
    let outside = SocketAddr::from((NetnsPair::ADDRESS_B, 7204));
    let listener = listen(&pair.b, outside);
    listener.set_nonblocking(true).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let told = stop.clone();
    let accepting = thread::spawn(move || {
        while !told.load(Ordering::Relaxed) {
            drop(listener.accept());
            thread::yield_now();
        }
    });
    let mut holding = Holding::put(
        &pair,
        json!({ "reset": { "percent": "10%" } }),
        json!({ "direction": "egress", "protocol": "tcp" }),
    );
    let refused = named(&pair.a)
        .inside(|| (0..5_000).filter(|_| TcpStream::connect_timeout(&outside, SOON).is_err()).count())
        .unwrap();
    let counted = holding.status(&pair).unwrap();
    // A connection sends more than one packet, and each may be the one.
    assert!(is_likely(counted.hits as f64, counted.seen as f64, 0.1), "{counted:?}");
    assert!((400..1_500).contains(&refused) && counted.seen > 5_000, "{refused} refused, {counted:?}");
    holding.take_away();
    drop(connect(&pair.a, outside).unwrap());
    stop.store(true, Ordering::Relaxed);
    accepting.join().unwrap();
}

//! `fault try` of the network faults, by hand, in a network namespace of their own.

use std::{
    io::ErrorKind,
    net::{SocketAddr, TcpListener, TcpStream, UdpSocket},
    time::Duration,
};

use rustix::process::Signal;
use steadfast_linux::network::Namespace;
use steadfast_testkit::NetnsPair;

use crate::support::{Place, Sleeper, wait_until};

/// Two sockets with a cable between them.
struct Cable {
    pair: NetnsPair,
    a: UdpSocket,
    b: UdpSocket,
}

impl Cable {
    fn new_or_skip(test: &str) -> Option<Self> {
        let pair = NetnsPair::new_or_skip(test)?;
        let socket = |name: &str, address| {
            let namespace = Namespace::named(name).unwrap().unwrap();
            let bound =
                namespace.inside(|| UdpSocket::bind(SocketAddr::from((address, 7000))).unwrap()).unwrap();
            bound.set_read_timeout(Some(Duration::from_millis(150))).unwrap();
            bound
        };
        let (a, b) = (socket(&pair.a, NetnsPair::ADDRESS_A), socket(&pair.b, NetnsPair::ADDRESS_B));
        Some(Self { pair, a, b })
    }

    /// Whether a packet gets into the first namespace.
    fn carries(&self) -> bool {
        self.b.send_to(b"x", self.a.local_addr().unwrap()).unwrap();
        self.a.recv(&mut [0; 8]).is_ok()
    }

    fn target(&self) -> String {
        format!("netns: {{ name: {} }}", self.pair.a)
    }
}

#[track_caller]
fn stops_packets(test: &str, kind: &str, with: &str) {
    disturbs(test, kind, with, |cable| assert!(!cable.carries()));
}

/// What is felt of a fault while it is in place.
#[track_caller]
fn disturbs(test: &str, kind: &str, with: &str, feels: impl FnOnce(&Cable)) {
    let Some(cable) = Cable::new_or_skip(test) else { return };
    let place = Place::new();
    assert!(cable.carries());
    let into = cable.target();
    let mut running =
        place.start(&["fault", "try", kind, "--with", with, "--into", &into, "--for", "2s", "--yes"]);
    running.wait_for("injected");
    feels(&cable);
    running.wait().expect(0).says("nftables").says("in effect").says("taken away; not in place");
    // What was held may arrive first.
    while cable.a.recv(&mut [0; 8]).is_ok() {}
    assert!(cable.carries());
    place.assert_clean();
}

#[test]
fn network_partition_cuts_off() {
    stops_packets(
        "network_partition_cuts_off",
        "networkPartition",
        "{ peers: [10.77.0.0/24], protocol: udp }",
    );
}

#[test]
fn network_loss_loses() {
    stops_packets("network_loss_loses", "networkLoss", "{ percent: 100%, direction: ingress }");
}

#[test]
fn network_delay_holds() {
    stops_packets("network_delay_holds", "networkDelay", "{ latency: 400ms }");
}

#[test]
fn network_corrupt_makes_checksums_wrong() {
    let name = "network_corrupt_makes_checksums_wrong";
    stops_packets(name, "networkCorrupt", "{ percent: 100%, direction: ingress }");
}

#[test]
fn network_duplicate_sends_twice() {
    disturbs("network_duplicate_sends_twice", "networkDuplicate", "{ percent: 100% }", |cable| {
        cable.b.send_to(b"x", cable.a.local_addr().unwrap()).unwrap();
        let arrived = (0..3).take_while(|_| cable.a.recv(&mut [0; 8]).is_ok()).count();
        assert_eq!(arrived, 2);
    });
}

#[test]
fn network_bandwidth_makes_packets_wait() {
    let with = "{ rate: 8kbit/s, burst: 3kB }";
    disturbs("network_bandwidth_makes_packets_wait", "networkBandwidth", with, |cable| {
        for _ in 0..4 {
            // 1,028 bytes with headers.
            cable.b.send_to(&[7; 1_000], cable.a.local_addr().unwrap()).unwrap();
        }
        // Two at once, one 84 ms later and the last after more than a second.
        let arrived = (0..4).take_while(|_| cable.a.recv(&mut [0; 8]).is_ok()).count();
        assert!((2..=3).contains(&arrived), "{arrived}");
    });
}

#[test]
fn network_reorder_lets_one_overtake() {
    let with = "{ percent: 100%, gap: 2, latency: 100ms, direction: ingress }";
    disturbs("network_reorder_lets_one_overtake", "networkReorder", with, |cable| {
        let there = cable.a.local_addr().unwrap();
        for number in 0..2 {
            cable.b.send_to(&[number], there).unwrap();
        }
        let mut arrived = [0; 2];
        for place in &mut arrived {
            cable.a.recv(std::slice::from_mut(place)).unwrap();
        }
        assert_eq!(arrived, [1, 0]);
    });
}

#[test]
fn network_reset_refuses() {
    disturbs("network_reset_refuses", "networkReset", "{ ports: [7000] }", |cable| {
        let inside = |name: &str| Namespace::named(name).unwrap().unwrap();
        let address = SocketAddr::from((NetnsPair::ADDRESS_A, 7000));
        let _listener = inside(&cable.pair.a).inside(|| TcpListener::bind(address).unwrap()).unwrap();
        let connect = || TcpStream::connect_timeout(&address, Duration::from_secs(2));
        let refused = inside(&cable.pair.b).inside(connect).unwrap().unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        assert!(cable.carries(), "UDP passes");
    });
}

#[test]
fn dns_error_answers_for_servers() {
    let with = "{ names: ['*.shop'], answer: refused }";
    disturbs("dns_error_answers_for_servers", "dnsError", with, |cable| {
        let question = b"\x5f\xa5\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x02db\x04shop\x00\x00\x01\x00\x01";
        // Nobody listens there: it is the fault that answers.
        cable.a.send_to(question, (NetnsPair::ADDRESS_B, 53)).unwrap();
        let mut answer = [0; 64];
        let (length, from) = cable.a.recv_from(&mut answer).unwrap();
        assert_eq!(from, SocketAddr::from((NetnsPair::ADDRESS_B, 53)));
        assert_eq!((length, answer[2] & 0x80, answer[3] & 0xf), (question.len(), 0x80, 5));
    });
}

#[test]
fn an_injector_that_is_killed_takes_a_network_fault_with_it() {
    let Some(cable) = Cable::new_or_skip("an_injector_that_is_killed_takes_a_network_fault_with_it") else {
        return;
    };
    let place = Place::new();
    let into = cable.target();
    let words = ["fault", "try", "networkPartition", "--into", &into, "--for", "1m", "--yes"];
    let mut running = place.start(&words);
    running.wait_for("injected");
    assert!(!cable.carries());
    running.signal(Signal::KILL);
    wait_until("packets pass", Duration::from_secs(2), || cable.carries());
    drop(running);
    place.assert_clean();
}

#[test]
fn the_machines_own_network_namespace_and_wrong_settings_are_refused() {
    let (place, sleeper) = (Place::new(), Sleeper::new());
    let into = format!("process: {{ pid: {} }}", sleeper.pid());
    let attempt = |kind: &str, with: &str| {
        place.run(&["fault", "try", kind, "--with", with, "--into", &into, "--for", "1s", "--yes"])
    };
    if rustix::process::geteuid().is_root() {
        attempt("networkPartition", "{}").expect(64).says("this machine's own").says("hint:");
    } else {
        attempt("networkPartition", "{}").expect(77).says("as root");
    }
    attempt("networkPartition", "{ peers: [127.0.0.1] }").expect(64).says("loopback is never disturbed");
    attempt("networkPartition", "{ peers: [10.0.0.1/8] }").expect(64).says("first address of the network");
    attempt("networkLoss", "{ percent: 0 }").expect(64).says("disturbs nothing");
    attempt("dnsError", "{ names: [a b], answer: nxdomain }").expect(64).says("matches no name of a host");
    attempt("dnsSpoof", "{ names: [a] }").expect(64).says("nothing to answer with").says("random: true");
    attempt("networkReorder", "{ percent: 100%, latency: 5ms }")
        .expect(64)
        .says("none is left to be overtaken");
    attempt("networkDelay", "{ latency: 5ms, correlation: 5% }").expect(64).says("correlation");
    place.assert_untouched();
}

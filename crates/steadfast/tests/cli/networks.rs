//! `fault try` of the network faults, by hand, in a network namespace of their own.

use std::{
    net::{SocketAddr, UdpSocket},
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
    let Some(cable) = Cable::new_or_skip(test) else { return };
    let place = Place::new();
    assert!(cable.carries());
    let into = cable.target();
    let mut running =
        place.start(&["fault", "try", kind, "--with", with, "--into", &into, "--for", "2s", "--yes"]);
    running.wait_for("injected");
    assert!(!cable.carries());
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
    attempt("networkDelay", "{ latency: 5ms, correlation: 5% }").expect(64).says("correlation");
    place.assert_untouched();
}

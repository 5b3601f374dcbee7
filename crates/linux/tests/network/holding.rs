//! A disturbance that is held, and sockets on both sides of it.

use std::{
    net::{IpAddr, SocketAddr, UdpSocket},
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use serde_json::json;
use steadfast_linux::network::{Held, Namespace, Pulse, status};
use steadfast_model::{
    BootTime, InjectionId,
    network::{Disturbance, DisturbanceId, DisturbanceStatus, NetworkFault, Traffic},
};
use steadfast_testkit::NetnsPair;

const FOREVER: BootTime = BootTime(u64::MAX);
pub(crate) const SOON: Duration = Duration::from_millis(400);

/// A disturbance of the first namespace of a pair, on a thread that holds it.
pub(crate) struct Holding {
    id: DisturbanceId,
    pulse: Arc<Pulse>,
    thread: Option<JoinHandle<()>>,
}

impl Holding {
    pub(crate) fn put(pair: &NetnsPair, fault: serde_json::Value, traffic: serde_json::Value) -> Self {
        let namespace = named(&pair.a);
        let id = DisturbanceId { injection: InjectionId::new(), number: 0 };
        let disturbance = Disturbance {
            id,
            namespace: namespace.identity().clone(),
            path: "/nowhere".into(),
            traffic: narrowed(traffic),
            fault: serde_json::from_value::<NetworkFault>(fault).unwrap(),
            deadline: FOREVER,
            lease: FOREVER,
        };
        let pulse = Arc::new(Pulse::new().unwrap());
        let (beats, (tell, told)) = (pulse.clone(), std::sync::mpsc::channel());
        let thread = thread::spawn(move || {
            namespace.enter().unwrap();
            let held = Held::put(&disturbance).unwrap();
            tell.send(()).unwrap();
            held.keep(&beats).unwrap();
        });
        told.recv().unwrap();
        Self { id, pulse, thread: Some(thread) }
    }

    pub(crate) fn status(&self, pair: &NetnsPair) -> Option<DisturbanceStatus> {
        let found = status(&named(&pair.a), &DisturbanceId::tables_of(self.id.injection)).unwrap();
        assert!(found.iter().all(|one| one.table == self.id.table()));
        found.into_iter().next()
    }

    pub(crate) fn take_away(&mut self) {
        self.pulse.end();
        self.thread.take().unwrap().join().unwrap();
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        self.pulse.end();
    }
}

pub(crate) fn named(name: &str) -> Namespace {
    Namespace::named(name).unwrap().unwrap()
}

fn narrowed(given: serde_json::Value) -> Traffic {
    let mut all = json!({ "direction": "both", "peers": [], "ports": [], "protocol": null });
    for (key, value) in given.as_object().unwrap() {
        all[key] = value.clone();
    }
    serde_json::from_value(all).unwrap()
}

fn udp(netns: &str, address: IpAddr, port: u16) -> UdpSocket {
    let socket = named(netns).inside(|| UdpSocket::bind(SocketAddr::from((address, port))).unwrap()).unwrap();
    socket.set_read_timeout(Some(SOON)).unwrap();
    socket
}

/// Whether a packet gets from one socket to the other, and is not refused on the way.
pub(crate) fn arrives(from: &UdpSocket, to: &UdpSocket) -> bool {
    // One that waited for the other's address while nothing got through may have come late.
    to.set_nonblocking(true).unwrap();
    while to.recv(&mut [0; 8]).is_ok() {}
    to.set_nonblocking(false).unwrap();
    from.send_to(b"x", to.local_addr().unwrap()).unwrap();
    to.recv(&mut [0; 8]).is_ok()
}

/// Both ends of a pair, over IPv4 or IPv6.
pub(crate) fn ends(pair: &NetnsPair, six: bool, port: u16) -> (UdpSocket, UdpSocket) {
    let (a, b) = if six {
        (NetnsPair::ADDRESS6_A, NetnsPair::ADDRESS6_B)
    } else {
        (NetnsPair::ADDRESS_A, NetnsPair::ADDRESS_B)
    };
    (udp(&pair.a, a, port), udp(&pair.b, b, port))
}

/// Whether so many of a number of packets may be disturbed when each is by this chance. One fair run in a hundred falls
/// outside of 2.576 standard deviations; one in a thousand million falls outside of 2.4 times that.
pub(crate) fn is_likely(disturbed: f64, packets: f64, share: f64) -> bool {
    let reach = 2.576 * (packets * share * (1.0 - share)).sqrt() + 1.0;
    (disturbed - packets * share).abs() <= 2.4 * reach
}

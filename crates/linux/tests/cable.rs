//! Network namespaces of our own with a cable between them, made without any program.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    time::Duration,
};

use steadfast_linux::network::{CableEnd, Namespace, lay_cable};
use steadfast_testkit::NetnsPair;

const A: CableEnd<'_> =
    CableEnd { device: "to-b", address: (Ipv4Addr::new(10, 78, 0, 1), 30), hardware: [2, 0, 0, 0, 0x78, 1] };
const B: CableEnd<'_> =
    CableEnd { device: "to-a", address: (Ipv4Addr::new(10, 78, 0, 2), 30), hardware: [2, 0, 0, 0, 0x78, 2] };

/// A socket within a namespace.
fn socket(namespace: &Namespace, address: Ipv4Addr) -> UdpSocket {
    let bound = namespace.inside(|| UdpSocket::bind(SocketAddr::from((address, 0))).unwrap()).unwrap();
    bound.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    bound
}

fn carries(from: &UdpSocket, to: &UdpSocket) -> bool {
    from.send_to(b"x", to.local_addr().unwrap()).unwrap();
    to.recv(&mut [0; 8]).is_ok()
}

#[test]
fn a_cable_carries_packets_both_ways_and_goes_with_its_namespaces() {
    let test = "a_cable_carries_packets_both_ways_and_goes_with_its_namespaces";
    if !NetnsPair::may_be_made() {
        return steadfast_testkit::skip(test, "network namespaces need root");
    }
    let (a, b) = (Namespace::make().unwrap(), Namespace::make().unwrap());
    assert_ne!(a.identity(), b.identity());
    a.inside(|| lay_cable(&A, &B, &b)).unwrap().unwrap();

    let (left, right) = (socket(&a, A.address.0), socket(&b, B.address.0));
    assert!(carries(&left, &right) && carries(&right, &left));
    // Loopback is on as well.
    let (one, two) = (socket(&a, Ipv4Addr::LOCALHOST), socket(&a, Ipv4Addr::LOCALHOST));
    assert!(carries(&one, &two));
    // Neither end has asked for the other: what is known from the start is never looked for.
    for (namespace, other) in [(&a, B), (&b, A)] {
        let table =
            namespace.inside(|| std::fs::read_to_string("/proc/thread-self/net/arp")).unwrap().unwrap();
        let line = table.lines().find(|line| line.starts_with(&other.address.0.to_string())).unwrap();
        assert!(line.contains(" 0x6 "), "permanent: {line}");
    }
    // What is there already is not replaced.
    assert!(a.inside(|| lay_cable(&A, &B, &b)).unwrap().is_err());

    drop((right, b));
    // The kernel clears a namespace away behind everybody's back.
    let devices = || a.inside(|| std::fs::read_to_string("/proc/thread-self/net/dev")).unwrap().unwrap();
    let gone = (0..2_000).any(|_| {
        #[expect(clippy::disallowed_methods, reason = "nothing tells when it is done")]
        std::thread::sleep(Duration::from_millis(5));
        !devices().contains(A.device)
    });
    assert!(gone, "{}", devices());
    let other = Namespace::make().unwrap();
    a.inside(|| lay_cable(&A, &B, &other)).unwrap().unwrap();
}

#[test]
fn a_namespace_without_a_name_is_found_by_its_holder_and_goes_with_it() {
    let test = "a_namespace_without_a_name_is_found_by_its_holder_and_goes_with_it";
    if !NetnsPair::may_be_made() {
        return steadfast_testkit::skip(test, "network namespaces need root");
    }
    let made = Namespace::make().unwrap();
    let (path, identity) = (made.path(), made.identity().clone());
    assert_eq!(Namespace::at(&path).unwrap().unwrap().identity(), &identity);
    drop(made);
    // Another file may be there by now.
    assert!(Namespace::find(&identity, &path).unwrap().is_none());
}

//! `steadfast proxy`: where it listens and who may tell it what to do.

use std::os::unix::net::UnixListener;

use rustix::process::Signal;

use crate::support::{Place, Service, get};

#[test]
fn a_port_that_is_taken_is_said_clearly() {
    let (place, service) = (Place::new(), Service::new());
    let taken = service.address.to_string();
    let words =
        ["proxy", "--name", "p", "--listen", &taken, "--upstream", "127.0.0.1:1", "--control", "p.sock"];
    place.run(&words).expect(4).says(&taken).says("another process holds port");
    assert!(!place.path().join("p.sock").exists());
}

#[test]
fn only_loopback_without_a_word_for_more() {
    let place = Place::new();
    let words =
        ["proxy", "--name", "p", "--listen", "0.0.0.0:0", "--upstream", "127.0.0.1:1", "--control", "p.sock"];
    place
        .run(&words)
        .expect(4)
        .says("0.0.0.0:0")
        .says("other machines could reach it")
        .says("--allow-remote");
    assert!(!place.path().join("p.sock").exists());
}

#[test]
fn a_control_socket_that_a_dead_proxy_left_is_replaced() {
    let (place, service) = (Place::new(), Service::new());
    let path = place.path().join("p0.sock");
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let proxy = place.proxy(service.address);
    assert_eq!(proxy.control, path);
    assert_eq!(get(proxy.address, "/").unwrap().0, 200);
    place
        .run(&[
            "fault",
            "try",
            "httpStatus",
            "--with",
            "{ status: 500 }",
            "--into",
            &proxy.target(),
            "--for",
            "1s",
            "--yes",
        ])
        // It was in place, and nobody came by: that is no success.
        .expect(2)
        .says("nothing seen");
}

#[test]
fn a_control_socket_in_use_is_not_taken_away() {
    let (place, service) = (Place::new(), Service::new());
    let proxy = place.proxy(service.address);
    let control = proxy.control.display().to_string();
    let words = [
        "proxy",
        "--name",
        "q",
        "--listen",
        "127.0.0.1:0",
        "--upstream",
        "127.0.0.1:1",
        "--control",
        &control,
    ];
    place.run(&words).expect(4).says(&control);
    assert_eq!(get(proxy.address, "/").unwrap().0, 200);
    assert!(proxy.control.exists());
}

#[test]
fn a_proxy_ends_well_when_asked_and_takes_its_socket_with_it() {
    let (place, service) = (Place::new(), Service::new());
    let proxy = place.proxy(service.address);
    proxy.process.signal(Signal::TERM);
    proxy.process.wait().expect(0);
    assert!(!proxy.control.exists());
    assert_eq!(get(proxy.address, "/"), None);
}

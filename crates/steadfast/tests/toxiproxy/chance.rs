//! Toxicity: drawn once for every connection, and the same again with the same seed.

use std::{io::Write, net::SocketAddr};

use serde_json::json;

use crate::{
    network::{connect, echo, rest},
    support::Api,
};

/// Which of so many connections, one after the other, a toxic cuts.
fn cut(address: SocketAddr, count: usize) -> Vec<bool> {
    let one = || {
        let mut socket = connect(address);
        socket.write_all(b"x").unwrap();
        socket.shutdown(std::net::Shutdown::Write).unwrap();
        rest(&mut socket).1.is_err()
    };
    (0..count).map(|_| one()).collect()
}

fn body(name: &str, toxicity: f32) -> serde_json::Value {
    json!({ "type": "reset_peer", "name": name, "toxicity": toxicity })
}

fn started(seed: &str, server: SocketAddr) -> (Api, SocketAddr) {
    let api = Api::with(&["--seed", seed]);
    let address = api.proxy(server);
    (api, address)
}

#[test]
fn the_same_seed_chooses_the_same_connections_and_another_does_not() {
    let server = echo();
    let draw = |seed: &str, name: &str| {
        let (api, address) = started(seed, server);
        // Another toxic before it, or another number of it, changes nothing.
        api.post("/proxies/p/toxics", &json!({ "type": "noop" })).expect(200);
        api.post("/proxies/p/toxics", &body(name, 0.3)).expect(200);
        cut(address, 200)
    };
    let first = draw("7", "r");
    let share = first.iter().filter(|cut| **cut).count();
    assert!((35..90).contains(&share), "{share} of 200 at 0.3");
    assert_eq!(first, draw("7", "r"));
    assert_ne!(first, draw("8", "r"));
    assert_ne!(first, draw("7", "other"), "two toxics do not choose the same connections");
}

#[test]
fn a_seed_that_was_not_given_is_said_and_can_be_had_again() {
    let server = echo();
    let unseeded = Api::with(&[]);
    let said = unseeded.said.last().unwrap();
    let seed = said.split("seed ").nth(1).unwrap();
    let address = unseeded.proxy(server);
    unseeded.post("/proxies/p/toxics", &body("r", 0.5)).expect(200);
    let first = cut(address, 60);
    let (again, address) = started(seed, server);
    again.post("/proxies/p/toxics", &body("r", 0.5)).expect(200);
    assert_eq!(first, cut(address, 60));
    assert_ne!(Api::with(&[]).said.last().unwrap().split("seed ").nth(1).unwrap(), seed);
}

#[test]
fn a_change_draws_nothing_anew_and_a_larger_share_lets_nobody_go() {
    let (api, address) = started("7", echo());
    let hold = json!({ "type": "bandwidth", "name": "h", "toxicity": 0.4 });
    api.post("/proxies/p/toxics", &hold).expect(200);
    let mut sockets: Vec<_> = (0..50).map(|_| connect(address)).collect();
    let mut held = || -> Vec<bool> {
        sockets.iter_mut().for_each(|socket| socket.write_all(b"x").unwrap());
        std::thread::sleep(std::time::Duration::from_millis(400));
        let mut silent = |socket: &mut std::net::TcpStream| {
            socket.set_nonblocking(true).unwrap();
            let silent = std::io::Read::read(socket, &mut [0; 64]).is_err();
            socket.set_nonblocking(false).unwrap();
            silent
        };
        sockets.iter_mut().map(&mut silent).collect()
    };
    let first = held();
    let share = first.iter().filter(|held| **held).count();
    assert!((10..32).contains(&share), "{share} of 50 at 0.4");
    // Toxiproxy draws again whenever any toxic of the proxy comes, changes or goes.
    api.post("/proxies/p/toxics", &json!({ "type": "noop" })).expect(200);
    api.patch("/proxies/p/toxics/h", &json!({ "attributes": { "rate": 0 } })).expect(200);
    assert_eq!(held(), first);
    api.delete("/proxies/p/toxics/noop_downstream").expect(204);
    assert_eq!(held(), first);
    api.patch("/proxies/p/toxics/h", &json!({ "toxicity": 0.8 })).expect(200);
    let more = held();
    assert!(first.iter().zip(&more).all(|(first, more)| *more || !first), "{first:?} {more:?}");
    assert!(more.iter().filter(|held| **held).count() > share);
    api.patch("/proxies/p/toxics/h", &json!({ "toxicity": 0 })).expect(200);
    assert!(held().iter().all(|held| !held));
}

//! What every toxic does to connections, open ones as well as new ones.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{
    network::{assert_reset, assert_took, connect, echo, ends, giver, is_silent, ping, rest, server, taker},
    support::Api,
};

fn started(server: SocketAddr) -> (Api, SocketAddr) {
    let api = Api::new();
    let address = api.proxy(server);
    (api, address)
}

/// Says something to a server that gives, and takes what it gives.
fn given(socket: &mut TcpStream) -> (Vec<u8>, std::io::Result<()>, Duration) {
    socket.write_all(b"!").unwrap();
    rest(socket)
}

#[test]
fn latency_holds_the_stream_it_names_until_it_goes() {
    let (api, address) = started(echo());
    let mut open = connect(address);
    assert!(ping(&mut open, b"a") < Duration::from_millis(150));
    for stream in ["upstream", "downstream"] {
        api.toxic("latency", stream, json!({ "latency": 200 }));
        assert_took(ping(&mut open, b"b"), 200);
        assert_took(ping(&mut connect(address), b"c"), 200);
        if stream == "downstream" {
            api.toxic("latency", "upstream", json!({ "latency": 150 }));
            assert_took(ping(&mut open, b"d"), 350);
            api.patch("/proxies/p/toxics/latency_upstream", &json!({ "attributes": { "latency": 400 } }))
                .expect(200);
            assert_took(ping(&mut open, b"e"), 600);
            api.untoxic("latency_upstream");
        }
        api.untoxic(&format!("latency_{stream}"));
        assert!(ping(&mut open, b"f") < Duration::from_millis(150));
    }
}

#[test]
fn latency_shifts_a_stream_and_jitter_spreads_its_chunks_evenly() {
    let (api, address) = started(echo());
    api.toxic("latency", "downstream", json!({ "latency": 300 }));
    let mut socket = connect(address);
    let begun = Instant::now();
    for _ in 0..20 {
        socket.write_all(b"x").unwrap();
        sleep(Duration::from_millis(10));
    }
    socket.read_exact(&mut [0; 20]).unwrap();
    // One after the other they would take six seconds.
    assert_took(begun.elapsed(), 490);
    api.patch(
        "/proxies/p/toxics/latency_downstream",
        &json!({ "attributes": { "latency": 60, "jitter": 50 } }),
    )
    .expect(200);
    let took: Vec<Duration> = (0..30).map(|_| ping(&mut socket, b"y")).collect();
    let (least, most) = (took.iter().min().unwrap(), took.iter().max().unwrap());
    assert!(*least >= Duration::from_millis(9) && *least < Duration::from_millis(45), "{took:?}");
    assert!(*most > Duration::from_millis(75) && *most < Duration::from_millis(400), "{took:?}");
    let mean = took.iter().sum::<Duration>() / 30;
    assert!((Duration::from_millis(40)..Duration::from_millis(110)).contains(&mean), "{mean:?}");
    // More jitter than latency: those that would leave before they came leave at once.
    api.patch(
        "/proxies/p/toxics/latency_downstream",
        &json!({ "attributes": { "latency": 0, "jitter": 60 } }),
    )
    .expect(200);
    let took: Vec<Duration> = (0..30).map(|_| ping(&mut socket, b"z")).collect();
    let at_once = took.iter().filter(|took| **took < Duration::from_millis(5)).count();
    assert!((5..28).contains(&at_once), "{took:?}");
}

#[test]
fn bandwidth_lets_so_many_kilobytes_pass_each_second() {
    let (api, address) = started(giver(60_000));
    api.toxic("bandwidth", "downstream", json!({ "rate": 100 }));
    let (got, ended, took) = given(&mut connect(address));
    ended.unwrap();
    assert_eq!(got.len(), 60_000);
    assert_took(took, 600);
    api.patch("/proxies/p/toxics/bandwidth_downstream", &json!({ "attributes": { "rate": 125_000_000 } }))
        .expect(200);
    let (got, _, took) = given(&mut connect(address));
    assert!(got.len() == 60_000 && took < Duration::from_millis(300), "{took:?}");
}

#[test]
fn a_bandwidth_of_none_holds_everything_and_loses_nothing() {
    let (api, address) = started(echo());
    let mut open = connect(address);
    ping(&mut open, b"a");
    api.toxic("bandwidth", "downstream", json!({}));
    let mut new = connect(address);
    for socket in [&mut open, &mut new] {
        socket.write_all(b"held").unwrap();
        assert!(is_silent(socket, 300));
    }
    api.patch("/proxies/p/toxics/bandwidth_downstream", &json!({ "attributes": { "rate": 1000 } }))
        .expect(200);
    for socket in [&mut open, &mut new] {
        let mut back = [0; 4];
        socket.read_exact(&mut back).unwrap();
        assert_eq!(&back, b"held");
    }
    api.patch("/proxies/p/toxics/bandwidth_downstream", &json!({ "attributes": { "rate": 0 } })).expect(200);
    open.write_all(b"again").unwrap();
    assert!(is_silent(&mut open, 200));
    api.untoxic("bandwidth_downstream");
    open.read_exact(&mut [0; 5]).unwrap();
}

#[test]
fn slow_close_holds_the_end_only() {
    let (api, address) = started(giver(10));
    api.toxic("slow_close", "downstream", json!({ "delay": 300 }));
    let mut socket = connect(address);
    let begun = Instant::now();
    socket.write_all(b"!").unwrap();
    socket.read_exact(&mut [0; 10]).unwrap();
    assert!(begun.elapsed() < Duration::from_millis(200));
    let (got, ended, _) = rest(&mut socket);
    assert!(got.is_empty() && ended.is_ok());
    assert_took(begun.elapsed(), 300);
}

#[test]
fn timeout_drops_everything_and_closes_in_good_order() {
    let (api, address) = started(echo());
    let mut open = connect(address);
    ping(&mut open, b"a");
    api.toxic("timeout", "downstream", json!({ "timeout": 400 }));
    open.write_all(b"lost").unwrap();
    let (got, ended, took) = rest(&mut open);
    assert!(got.is_empty() && ended.is_ok());
    assert_took(took, 400);
    let (got, ended, took) = rest(&mut connect(address));
    assert!(got.is_empty() && ended.is_ok());
    assert_took(took, 400);
}

#[test]
fn a_timeout_of_none_drops_for_ever_and_closes_when_it_is_removed() {
    let (server, told) = taker();
    let (api, address) = started(server);
    let mut lost = connect(address);
    lost.write_all(b"before").unwrap();
    sleep(Duration::from_millis(100));
    api.toxic("timeout", "upstream", json!({ "timeout": 0 }));
    let mut idle = connect(address);
    lost.write_all(b"dropped").unwrap();
    assert!(is_silent(&mut lost, 400));
    // Given an end, it still drops, and closes so long after the change.
    let other = json!({ "type": "timeout", "stream": "downstream", "name": "other" });
    api.post("/proxies/p/toxics", &other).expect(200);
    api.untoxic("timeout_upstream");
    let (got, ended, took) = rest(&mut lost);
    assert!(got.is_empty() && ended.is_ok() && took < Duration::from_millis(300), "{ended:?} {took:?}");
    assert_eq!(told.recv().unwrap().0, b"before", "without a hole");
    api.patch("/proxies/p/toxics/other", &json!({ "attributes": { "timeout": 200 } })).expect(200);
    let (_, ended, took) = rest(&mut idle);
    ended.unwrap();
    assert_took(took, 200);
}

#[test]
fn reset_peer_resets_after_the_first_byte_of_its_stream_also_connections_that_were_open() {
    let worked = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&worked);
    let (api, address) = started(server(move |mut socket| {
        let mut request = [0; 4];
        loop {
            socket.read_exact(&mut request)?;
            counted.fetch_add(1, SeqCst);
            socket.write_all(b"answer")?;
        }
    }));
    let worked = || worked.load(SeqCst);
    for after in [0, 300] {
        let mut open = connect(address);
        open.write_all(b"work").unwrap();
        open.read_exact(&mut [0; 6]).unwrap();
        let body = json!({ "type": "reset_peer", "name": "r", "attributes": { "timeout": after } });
        api.post("/proxies/p/toxics", &body).expect(200);
        let mut new = connect(address);
        assert!(is_silent(&mut new, 200), "nothing came yet that could be cut");
        let before = worked();
        for socket in [&mut open, &mut new] {
            socket.write_all(b"work").unwrap();
            let (got, ended, took) = rest(socket);
            assert!(got.is_empty());
            assert_reset(&ended);
            assert_took(took, after);
        }
        assert_eq!(worked(), before + 2, "the server did its work");
        api.untoxic("r");
    }
    api.toxic("reset_peer", "upstream", json!({}));
    let (before, mut socket) = (worked(), connect(address));
    socket.write_all(b"work").unwrap();
    assert_reset(&rest(&mut socket).1);
    assert_eq!(worked(), before, "the server never saw it");
}

#[test]
fn slicer_cuts_what_passes_into_pieces_with_a_pause_after_each() {
    let (api, address) = started(giver(100));
    api.toxic("slicer", "downstream", json!({ "average_size": 10, "size_variation": 5, "delay": 30_000 }));
    let mut socket = connect(address);
    socket.write_all(b"!").unwrap();
    let (mut pieces, begun) = (Vec::new(), Instant::now());
    loop {
        let mut buffer = [0; 200];
        match socket.read(&mut buffer).unwrap() {
            0 => break,
            count => pieces.push(count),
        }
    }
    assert_eq!(pieces.iter().sum::<usize>(), 100);
    // A reader that was late may find two pieces at once.
    assert!(pieces.len() >= 6 && pieces.iter().filter(|count| **count > 15).count() <= 2, "{pieces:?}");
    assert!(pieces.iter().any(|count| *count != pieces[0]), "{pieces:?}");
    assert!(begun.elapsed() >= Duration::from_millis(6 * 30 - 30), "{:?}", begun.elapsed());
}

#[test]
fn limit_data_closes_a_connection_after_so_many_bytes_and_remembers_how_many_passed() {
    let (api, address) = started(giver(100));
    api.toxic("limit_data", "downstream", json!({ "bytes": 30 }));
    let (got, ended, _) = given(&mut connect(address));
    assert_eq!(got.len(), 30);
    ended.unwrap();
    api.untoxic("limit_data_downstream");
    assert_eq!(given(&mut connect(address)).0.len(), 100);

    let (server, told) = taker();
    let moved = json!({ "upstream": server.to_string() });
    api.patch("/proxies/p", &moved).expect(200);
    api.toxic("limit_data", "upstream", json!({ "bytes": 10 }));
    let mut socket = connect(address);
    socket.write_all(b"12345678").unwrap();
    sleep(Duration::from_millis(200));
    api.patch("/proxies/p/toxics/limit_data_upstream", &json!({ "attributes": { "bytes": 12 } })).expect(200);
    socket.write_all(b"90abcdef").unwrap();
    ends(&mut socket);
    assert_eq!(told.recv().unwrap().0, b"1234567890ab");
    api.patch("/proxies/p/toxics/limit_data_upstream", &json!({ "attributes": { "bytes": 0 } })).expect(200);
    let mut socket = connect(address);
    socket.write_all(b"x").unwrap();
    ends(&mut socket);
    assert_eq!(told.recv().unwrap().0, b"");
}

#[test]
fn noop_does_nothing_and_toxics_of_one_proxy_leave_others_alone() {
    let (api, address) = started(echo());
    let body = json!({ "name": "q", "upstream": echo().to_string() });
    let other = api.post("/proxies", &body).expect(201).json();
    api.toxic("noop", "downstream", json!({}));
    assert!(ping(&mut connect(address), b"a") < Duration::from_millis(150));
    api.toxic("timeout", "downstream", json!({}));
    let other = other["listen"].as_str().unwrap().parse().unwrap();
    assert!(ping(&mut connect(other), b"a") < Duration::from_millis(150));
}

#[test]
fn several_toxics_add_up() {
    let (api, address) = started(giver(30_000));
    api.toxic("latency", "downstream", json!({ "latency": 200 }));
    api.toxic("bandwidth", "downstream", json!({ "rate": 100 }));
    api.toxic("slow_close", "downstream", json!({ "delay": 200 }));
    api.toxic("slicer", "downstream", json!({ "average_size": 500, "delay": 100 }));
    let (got, ended, took) = given(&mut connect(address));
    ended.unwrap();
    assert_eq!(got.len(), 30_000);
    assert!((Duration::from_millis(495)..Duration::from_millis(1500)).contains(&took), "{took:?}");
}

#[test]
fn a_server_that_cannot_be_reached_resets_the_client() {
    // Port 1 is never given out, and nobody listens there.
    let (_api, address) = started(SocketAddr::from(([127, 0, 0, 1], 1)));
    assert_reset(&rest(&mut connect(address)).1);
}

//! Faults that meet a share of the packets, each by chance.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream, UdpSocket},
    thread,
    time::Duration,
};

use rustix::net::sockopt::set_socket_recv_buffer_size_force;
use serde_json::json;
use steadfast_testkit::NetnsPair;

use super::{
    holding::{Holding, SOON, ends, is_likely, named},
    seconds,
};

const PACKETS: u32 = 20_000;
/// What each carries beside its number.
const FILLING: [u8; 60] = [0x5a; 60];

/// So many are on their way at once: no queue of a device between them is full.
const ON_THEIR_WAY: usize = 500;

/// Numbered packets from one socket to another.
struct Stream<'a> {
    to: &'a UdpSocket,
    /// The numbers of those that arrived, in their order.
    arrived: Vec<u32>,
    highest: u32,
}

impl Stream<'_> {
    /// Takes what has arrived. Each is as it was sent.
    fn receive(&mut self) {
        let mut buffer = [0; 128];
        while let Ok(length) = self.to.recv(&mut buffer) {
            assert_eq!((length, &buffer[4..64]), (64, &FILLING[..]), "it is as it was sent");
            let number = u32::from_be_bytes(*buffer.first_chunk().unwrap());
            self.highest = self.highest.max(number);
            self.arrived.push(number);
        }
    }
}

/// Sends numbered packets and gives the numbers of those that arrived, in their order. `all_arrive` when none is lost.
fn through(from: &UdpSocket, to: &UdpSocket, packets: u32, all_arrive: bool) -> Vec<u32> {
    set_socket_recv_buffer_size_force(to, 64 * 1024 * 1024).unwrap();
    let there = to.local_addr().unwrap();
    let mut stream = Stream { to, arrived: Vec::new(), highest: 0 };
    to.set_nonblocking(true).unwrap();
    for number in 0..packets {
        from.send_to(&[&number.to_be_bytes()[..], &FILLING].concat(), there).unwrap();
        let patience = seconds() + SOON.as_secs_f64();
        let through = |stream: &Stream<'_>| match all_arrive {
            true => stream.arrived.len(),
            false => stream.highest as usize,
        };
        while through(&stream) + ON_THEIR_WAY < number as usize && seconds() < patience {
            thread::yield_now();
            stream.receive();
        }
    }
    to.set_nonblocking(false).unwrap();
    stream.receive();
    stream.arrived
}

/// Out of and into the first namespace, over IPv4 and IPv6.
fn each_way(pair: &NetnsPair, port: u16, check: impl Fn(&str, bool, &UdpSocket, &UdpSocket)) {
    for six in [false, true] {
        let (a, b) = ends(pair, six, port);
        check("egress", six, &a, &b);
        check("ingress", six, &b, &a);
    }
}

/// How often each number arrived.
fn times(arrived: &[u32]) -> Vec<u32> {
    let mut times = vec![0; PACKETS as usize];
    arrived.iter().for_each(|number| times[*number as usize] += 1);
    times
}

/// A counter of the kernel in a namespace: of `Udp` or `Tcp`, over IPv4, or of `Udp6`.
fn counter(netns: &str, of: &str, name: &str) -> u64 {
    let read = |file: &str| std::fs::read_to_string(format!("/proc/thread-self/net/{file}")).unwrap();
    let (four, six) = named(netns).inside(|| (read("snmp"), read("snmp6"))).unwrap();
    let known = six.lines().filter_map(|line| line.split_once(char::is_whitespace));
    let in_six = known.filter(|(key, _)| *key == format!("{of}{name}")).map(|(_, value)| value.trim());
    let lines: Vec<_> = four.lines().filter_map(|line| line.strip_prefix(&format!("{of}: "))).collect();
    let in_four = lines.first().into_iter().flat_map(|names| names.split(' ').zip(lines[1].split(' ')));
    let in_four = in_four.filter(|(key, _)| *key == name).map(|(_, value)| value);
    in_six.chain(in_four).next().unwrap_or_else(|| panic!("{of} {name}")).parse().unwrap()
}

/// Whether so many bytes get through a connection from the second namespace to the first and back as they were sent.
fn echoes(pair: &NetnsPair, port: u16, bytes: usize) -> bool {
    let address = SocketAddr::from((NetnsPair::ADDRESS_A, port));
    let listener = named(&pair.a).inside(|| TcpListener::bind(address).unwrap()).unwrap();
    let stream = named(&pair.b).inside(|| TcpStream::connect(address).unwrap()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let (answering, _) = listener.accept().unwrap();
    let echo = thread::spawn(move || std::io::copy(&mut &answering, &mut &answering).ok());
    let sent: Vec<u8> = (0..bytes).map(|at| (at % 251) as u8).collect();
    let (mut sending, told) = (stream.try_clone().unwrap(), sent.clone());
    let send = thread::spawn(move || {
        sending.write_all(&told).unwrap();
        sending.shutdown(std::net::Shutdown::Write).unwrap();
    });
    let mut got = Vec::new();
    (&stream).read_to_end(&mut got).unwrap();
    send.join().unwrap();
    echo.join().unwrap();
    got == sent
}

#[test]
fn as_many_packets_as_asked_for_arrive_twice_and_none_three_times() {
    let name = "as_many_packets_as_asked_for_arrive_twice_and_none_three_times";
    let Some(pair) = NetnsPair::new_or_skip(name) else { return };
    let before = NetnsPair::snapshot(&pair.a);
    each_way(&pair, 7101, |direction, six, from, to| {
        let fault = json!({ "duplicate": { "percent": "5%" } });
        // The other way, with the same packets, nothing happens.
        let traffic = json!({ "direction": direction, "protocol": "udp", "ports": [7101] });
        let mut holding = Holding::put(&pair, fault, traffic);
        let times = times(&through(from, to, PACKETS, true));
        let counted = holding.status(&pair).unwrap();
        let twice = times.iter().filter(|times| **times == 2).count() as u64;
        assert!(times.iter().all(|times| matches!(times, 1 | 2)), "{direction}, IPv6 {six}");
        assert_eq!((counted.seen, counted.hits), (PACKETS.into(), twice), "{direction}, IPv6 {six}");
        assert!(is_likely(twice as f64, PACKETS.into(), 0.05), "{direction}, IPv6 {six}: {twice}");
        holding.take_away();
        assert_eq!(NetnsPair::snapshot(&pair.a), before);
        assert_eq!(through(from, to, 100, true).len(), 100);
    });
}

#[test]
fn every_packet_arrives_twice_both_ways_and_tcp_carries_on() {
    let name = "every_packet_arrives_twice_both_ways_and_tcp_carries_on";
    let Some(pair) = NetnsPair::new_or_skip(name) else { return };
    let fault = json!({ "duplicate": { "percent": "100%" } });
    let mut holding = Holding::put(&pair, fault, json!({}));
    each_way(&pair, 7102, |direction, six, from, to| {
        let arrived = through(from, to, 100, true);
        let expected: Vec<u32> = (0..100).flat_map(|number| [number, number]).collect();
        let mut sorted = arrived.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, expected, "{direction}, IPv6 {six}");
    });
    // Of every one, once, also of those that come and go at the same time.
    let counted = holding.status(&pair).unwrap();
    assert_eq!(counted.seen, counted.hits);
    assert!(echoes(&pair, 7102, 4 * 1024 * 1024));
    assert!(holding.status(&pair).unwrap().hits > counted.hits + 100);
    holding.take_away();
}

#[test]
fn as_many_packets_as_asked_for_arrive_with_a_wrong_checksum_and_are_dropped() {
    let name = "as_many_packets_as_asked_for_arrive_with_a_wrong_checksum_and_are_dropped";
    let Some(pair) = NetnsPair::new_or_skip(name) else { return };
    let before = NetnsPair::snapshot(&pair.a);
    each_way(&pair, 7103, |direction, six, from, to| {
        let fault = json!({ "corrupt": { "percent": "5%" } });
        let traffic = json!({ "direction": direction, "protocol": "udp", "ports": [7103] });
        let mut holding = Holding::put(&pair, fault, traffic);
        let (receiver, of) =
            (if direction == "egress" { &pair.b } else { &pair.a }, if six { "Udp6" } else { "Udp" });
        let errors = || ["InErrors", "InCsumErrors"].map(|name| counter(receiver, of, name));
        let errors_before = errors();
        let times = times(&through(from, to, PACKETS, false));
        let counted = holding.status(&pair).unwrap();
        let lost = times.iter().filter(|times| **times == 0).count() as u64;
        assert!(times.iter().all(|times| *times < 2), "{direction}, IPv6 {six}");
        assert_eq!((counted.seen, counted.hits), (PACKETS.into(), lost), "{direction}, IPv6 {six}");
        assert!(is_likely(lost as f64, PACKETS.into(), 0.05), "{direction}, IPv6 {six}: {lost}");
        let errors_after = errors();
        let [all, by_checksum] = [0, 1].map(|at| errors_after[at] - errors_before[at]);
        assert_eq!(all, lost, "all were found out by the receiver");
        // A bit of the length is found out without the checksum.
        assert!(by_checksum >= lost * 9 / 10, "{direction}, IPv6 {six}: {by_checksum} of {lost}");
        holding.take_away();
        assert_eq!(NetnsPair::snapshot(&pair.a), before);
        assert_eq!(through(from, to, 100, true).len(), 100);
    });
}

#[test]
fn tcp_carries_what_was_sent_while_packets_of_64_kib_are_corrupted() {
    let name = "tcp_carries_what_was_sent_while_packets_of_64_kib_are_corrupted";
    let Some(pair) = NetnsPair::new_or_skip(name) else { return };
    for direction in ["egress", "ingress"] {
        let fault = json!({ "corrupt": { "percent": "3%" } });
        let mut holding = Holding::put(&pair, fault, json!({ "direction": direction, "protocol": "tcp" }));
        let receiver = if direction == "egress" { &pair.b } else { &pair.a };
        let found_before = counter(receiver, "Tcp", "InCsumErrors");
        assert!(echoes(&pair, 7104, 8 * 1024 * 1024), "{direction}");
        let (counted, found) =
            (holding.status(&pair).unwrap(), counter(receiver, "Tcp", "InCsumErrors") - found_before);
        assert!(counted.hits > 0 && found > 0, "{direction}: {counted:?}, {found} found");
        holding.take_away();
    }
}

/// Those that arrived before one that was sent before them.
fn ahead(arrived: &[u32]) -> Vec<u32> {
    let mut last = u32::MAX;
    let overtook = |number: &&u32| {
        let is_ahead = **number > last;
        last = last.min(**number);
        is_ahead
    };
    arrived.iter().rev().filter(overtook).copied().collect()
}

#[test]
fn as_many_packets_as_asked_for_overtake_the_others() {
    let name = "as_many_packets_as_asked_for_overtake_the_others";
    let Some(pair) = NetnsPair::new_or_skip(name) else { return };
    assert_eq!(ahead(&[0, 3, 1, 2, 6, 4, 5]), [6, 3]);
    let before = NetnsPair::snapshot(&pair.a);
    each_way(&pair, 7105, |direction, six, from, to| {
        let fault = json!({ "reorder": { "percent": "25%", "gap": 1, "latency": "10ms" } });
        let traffic = json!({ "direction": direction, "protocol": "udp", "ports": [7105] });
        let mut holding = Holding::put(&pair, fault, traffic);
        let arrived = through(from, to, PACKETS, true);
        let (counted, ahead) = (holding.status(&pair).unwrap(), ahead(&arrived).len() as u64);
        assert!(times(&arrived).iter().all(|times| *times == 1), "{direction}, IPv6 {six}");
        assert_eq!(counted.seen, u64::from(PACKETS));
        assert!(is_likely(counted.hits as f64, PACKETS.into(), 0.25), "{direction}, IPv6 {six}: {counted:?}");
        // Who is the first, or comes when nobody waits, overtakes nobody.
        assert!(ahead <= counted.hits && ahead * 20 >= counted.hits * 19, "{ahead} of {}", counted.hits);
        holding.take_away();
        assert_eq!(NetnsPair::snapshot(&pair.a), before);
    });
}

#[test]
fn with_a_gap_every_so_many_packets_one_overtakes() {
    let name = "with_a_gap_every_so_many_packets_one_overtakes";
    let Some(pair) = NetnsPair::new_or_skip(name) else { return };
    each_way(&pair, 7106, |direction, six, from, to| {
        let fault = json!({ "reorder": { "percent": "100%", "gap": 5, "latency": "100ms" } });
        let traffic = json!({ "direction": direction, "protocol": "udp", "ports": [7106] });
        let mut holding = Holding::put(&pair, fault, traffic);
        let arrived = through(from, to, 400, true);
        let expected: Vec<u32> = (0..400).filter(|number| number % 5 == 4).collect();
        assert_eq!((arrived.len(), &arrived[..80]), (400, &expected[..]), "{direction}, IPv6 {six}");
        assert!(arrived[80..].is_sorted(), "the others keep their order");
        let counted = holding.status(&pair).unwrap();
        assert_eq!((counted.seen, counted.hits), (400, 80));
        holding.take_away();
    });
}

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use steadfast_testkit::NetnsPair;

use super::{
    super::{
        apart::move_thread,
        namespace::Namespace,
        nft::{
            Chain, Family, Hook, Rule, Table,
            expression::{Expression, Meta},
        },
    },
    *,
};

/// A pair of namespaces: questions come from the first, servers are in both.
struct Wire {
    pair: NetnsPair,
}

impl Wire {
    fn in_a<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        Namespace::named(&self.pair.a).unwrap().unwrap().inside(work).unwrap()
    }

    fn in_b<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        Namespace::named(&self.pair.b).unwrap().unwrap().inside(work).unwrap()
    }

    fn asker(&self, address: IpAddr) -> UdpSocket {
        self.in_a(|| patient(UdpSocket::bind((address, 0)).unwrap()))
    }
}

fn patient(socket: UdpSocket) -> UdpSocket {
    socket.set_nonblocking(false).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    socket
}

/// Somebody else's table, with which connection tracking goes on to translate addresses when ours has gone.
fn others_translate() -> OwnedTables {
    let nowhere = vec![Expression::MetaIs(Meta::Transport, vec![132]), Expression::Redirect(1)];
    let hook = Some(Hook { number: 3, priority: -100, devices: Vec::new() });
    let chain = Chain { name: "others".to_owned(), hook, is_entry: false, rules: vec![Rule::of(nowhere)] };
    OwnedTables::make("others", &[Table { family: Family::Inet, chains: vec![chain] }]).unwrap()
}

/// What arrives at a socket, and from where.
fn arrival(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut buffer = [0; 64];
    let (length, from) = socket.recv_from(&mut buffer).unwrap();
    (buffer[..length].to_vec(), from)
}

#[test]
fn packets_come_here_are_answered_for_others_and_go_their_way_again_at_once() {
    let test = "packets_come_here_are_answered_for_others_and_go_their_way_again_at_once";
    let Some(pair) = NetnsPair::new_or_skip(test) else { return };
    let wire = Wire { pair };
    let four = (NetnsPair::ADDRESS_A, NetnsPair::ADDRESS_B);
    let six = (NetnsPair::ADDRESS6_A, NetnsPair::ADDRESS6_B);
    let local = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([127, 0, 0, 11]));
    let servers = [
        wire.in_b(|| UdpSocket::bind((four.1, 53)).unwrap()),
        wire.in_b(|| UdpSocket::bind((six.1, 53)).unwrap()),
        wire.in_a(|| UdpSocket::bind((local.1, 53)).unwrap()),
    ]
    .map(patient);
    let askers = [four, six, local].map(|(from, to)| {
        let asker = wire.asker(from);
        asker.connect((to, 53)).unwrap();
        asker
    });
    for (asker, server) in askers.iter().zip(&servers) {
        // Connection tracking knows this conversation from before.
        asker.send(b"before").unwrap();
        assert_eq!(arrival(server).0, b"before");
    }
    for others in [false, true] {
        let others = others.then(|| wire.in_a(others_translate));
        let (mut diverted, mut arrivals) = wire.in_a(|| Diverted::put("steadfast_divert").unwrap());
        let ours: Vec<UdpSocket> = arrivals.udp.drain(..).map(patient).collect();
        for (number, (asker, server)) in askers.iter().zip(&servers).enumerate() {
            let here = &ours[usize::from(number == 1)];
            asker.send(b"question").unwrap();
            let (question, from) = arrival(here);
            assert_eq!((&question[..], from), (&b"question"[..], asker.local_addr().unwrap()));
            let found = arrivals.origins.find(Transport::Udp, from, here.local_addr().unwrap()).unwrap();
            assert_eq!(found, server.local_addr().unwrap());
            here.send_to(b"answer", from).unwrap();
            assert_eq!(arrival(asker).0, b"answer", "a connected socket takes it for the server's");
            let passing = wire.asker(from.ip());
            pass_diversion(&passing).unwrap();
            passing.send_to(b"marked", found).unwrap();
            assert_eq!(arrival(server).0, b"marked");
        }
        // Once by the end of the table, once by its being closed.
        if others.is_some() {
            askers[0].send(b"question").unwrap();
            let (_, from) = arrival(&ours[0]);
            diverted.close().unwrap();
            ours[0].send_to(b"late", from).unwrap();
            assert_eq!(arrival(&askers[0]).0, b"late", "what was asked before is still answered");
        } else {
            drop(diverted);
        }
        for (asker, server) in askers.iter().zip(&servers) {
            asker.send(b"again").unwrap();
            let (question, from) = arrival(server);
            assert_eq!(question, b"again");
            server.send_to(b"truth", from).unwrap();
            assert_eq!(arrival(asker).0, b"truth");
        }
        drop(ours);
    }
}

#[test]
fn one_socket_may_ask_two_servers_at_once() {
    let Some(pair) = NetnsPair::new_or_skip("one_socket_may_ask_two_servers_at_once") else { return };
    let wire = Wire { pair };
    let asker = wire.asker(NetnsPair::ADDRESS_A);
    let (_diverted, mut arrivals) = wire.in_a(|| Diverted::put("steadfast_divert").unwrap());
    let here = patient(arrivals.udp.remove(0));
    let servers = [([10, 77, 0, 2], 53), ([10, 77, 0, 3], 53)].map(SocketAddr::from);
    for server in servers {
        asker.send_to(b"question", server).unwrap();
    }
    for server in servers {
        let (_, from) = arrival(&here);
        let found = arrivals.origins.find(Transport::Udp, from, here.local_addr().unwrap()).unwrap();
        assert_eq!(found, server);
        here.send_to(b"answer", from).unwrap();
        assert_eq!(arrival(&asker).1, server, "each answer comes from whom was asked");
    }
}

#[test]
fn connections_come_here_and_tell_where_they_wanted_to_go() {
    let test = "connections_come_here_and_tell_where_they_wanted_to_go";
    let Some(pair) = NetnsPair::new_or_skip(test) else { return };
    let wire = Wire { pair };
    let (mut diverted, mut arrivals) = wire.in_a(|| Diverted::put("steadfast_divert").unwrap());
    for (number, address) in [NetnsPair::ADDRESS_B, NetnsPair::ADDRESS6_B].into_iter().enumerate() {
        let listener = &arrivals.tcp[number];
        listener.set_nonblocking(false).unwrap();
        let server = SocketAddr::new(address, 53);
        let patience = Duration::from_secs(5);
        let mut asker = wire.in_a(|| TcpStream::connect_timeout(&server, patience).unwrap());
        let (mut here, from) = listener.accept().unwrap();
        let ours = here.local_addr().unwrap();
        assert_eq!(arrivals.origins.find(Transport::Tcp, from, ours).unwrap(), server);
        asker.write_all(b"question").unwrap();
        here.read_exact(&mut [0; 8]).unwrap();
        here.write_all(b"answer").unwrap();
        asker.read_exact(&mut [0; 6]).unwrap();
    }
    let nobody = SocketAddr::from(([127, 0, 0, 1], 1));
    let error = arrivals.origins.find(Transport::Tcp, nobody, nobody).unwrap_err();
    assert!(matches!(error, LinuxError::Gone { .. }), "{error}");
    diverted.tell(3, 1).unwrap();
    let prefix = "steadfast_divert";
    let seen = crate::network::status(&Namespace::named(&wire.pair.a).unwrap().unwrap(), prefix).unwrap();
    assert_eq!((seen[0].seen, seen[0].hits), (3, 1));
}

#[test]
fn without_ipv6_only_ipv4_is_led_here_and_without_loopback_nothing() {
    let test = "without_ipv6_only_ipv4_is_led_here_and_without_loopback_nothing";
    let Some(pair) = NetnsPair::new_or_skip(test) else { return };
    let wire = Wire { pair };
    wire.in_a(|| std::fs::write("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1").unwrap());
    let (diverted, arrivals) = wire.in_a(|| Diverted::put("steadfast_divert").unwrap());
    let versions: Vec<bool> =
        arrivals.udp.iter().map(|socket| socket.local_addr().unwrap().is_ipv4()).collect();
    assert_eq!((versions, arrivals.tcp.len()), (vec![true], 1));
    drop(diverted);
    let error = std::thread::spawn(|| {
        move_thread().unwrap();
        Diverted::put("steadfast_divert").unwrap_err()
    });
    let error = error.join().unwrap();
    assert!(error.with_causes().contains("loopback is switched off"), "{}", error.with_causes());
}

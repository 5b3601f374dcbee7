//! Faults on questions for names: real resolvers in a real network namespace, and whatever dies meanwhile.

use std::{
    io::{Read, Write},
    net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use steadfast_engine::host::{Host, HostErrorKind, InjectionOrder};
use steadfast_host::LocalHost;
use steadfast_linux::network::Namespace;
use steadfast_model::{Effect, InjectionId, process::Signal};
use steadfast_names::message::{Carrier, Question};
use steadfast_testkit::NetnsPair;

use crate::{
    networks::{netns, worker},
    stage::{Injector, Stage, eventually, fault},
};

mod client;

use client::{Said, ask_by_packet, ask_by_stream, getent, packet_socket, question, said};

pub(crate) const NXDOMAIN: &str = r#"{"dnsError":{"names":["*.Shop"],"answer":"nxdomain"}}"#;
const A: u8 = 1;
const AAAA: u8 = 28;
/// What every name has, if nobody lies.
const TRUE_FOUR: [u8; 4] = [10, 99, 0, 1];
const LOOPBACK_RESOLVER: [u8; 4] = [127, 0, 0, 11];

/// Where servers are, seen from the first namespace.
fn servers() -> [SocketAddr; 3] {
    [
        (NetnsPair::ADDRESS_B, 53).into(),
        (NetnsPair::ADDRESS6_B, 53).into(),
        (IpAddr::from(LOOPBACK_RESOLVER), 53).into(),
    ]
}

/// Two namespaces with DNS servers: two in the second, one on loopback in the first.
struct Net {
    pair: NetnsPair,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Net {
    fn new_or_skip(test: &str) -> Option<Self> {
        let pair = NetnsPair::new_or_skip(test)?;
        let stop = Arc::new(AtomicBool::new(false));
        let mut threads = Vec::new();
        let sides = [&pair.b, &pair.b, &pair.a];
        for (address, side) in servers().into_iter().zip(sides) {
            let there = Namespace::named(side).unwrap().unwrap();
            let (packets, streams) = there
                .inside(|| (UdpSocket::bind(address).unwrap(), TcpListener::bind(address).unwrap()))
                .unwrap();
            packets.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
            streams.set_nonblocking(true).unwrap();
            let stopped = stop.clone();
            threads.push(std::thread::spawn(move || {
                while !stopped.load(Ordering::Relaxed) {
                    serve_packet(&packets);
                    if let Ok((stream, _)) = streams.accept() {
                        serve_stream(stream);
                    }
                }
            }));
        }
        Some(Self { pair, stop, threads })
    }

    fn inside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        Namespace::named(&self.pair.a).unwrap().unwrap().inside(work).unwrap()
    }

    /// What a name is by the server in the second namespace.
    fn look_up(&self, name: &str) -> Option<Said> {
        self.inside(|| ask_by_packet(servers()[0], &question(name, A)))
    }

    async fn order(&self, host: &LocalHost, json: &str) -> InjectionOrder {
        let targets = host.resolve(&netns(&self.pair.a)).await.unwrap();
        let duration = Duration::from_secs(60);
        InjectionOrder { injection: InjectionId::new(), run: None, fault: fault(json), targets, duration }
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            drop(thread.join());
        }
    }
}

/// The truth; more of it than fits into a packet for names that begin with `large`. What is no question comes back as it is.
fn truth(message: &[u8], carrier: Carrier) -> Vec<u8> {
    let Some(question) = Question::read(message) else { return message.to_vec() };
    let large = question.names().any(|name| name.starts_with("large"));
    let four = |last| IpAddr::from([10, 99, 0, last]);
    let six = |last| IpAddr::from([0xfd99, 0, 0, 0, 0, 0, 0, last]);
    let last = if large { 60 } else { 1 };
    let all: Vec<IpAddr> = (1..=last).flat_map(|number| [four(number), six(u16::from(number))]).collect();
    question.answer(&all, carrier).unwrap()
}

fn serve_packet(socket: &UdpSocket) {
    let mut buffer = [0; 2048];
    if let Ok((length, client)) = socket.recv_from(&mut buffer) {
        socket.send_to(&truth(&buffer[..length], Carrier::Udp), client).unwrap();
    }
}

fn serve_stream(mut stream: TcpStream) {
    stream.set_nonblocking(false).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    let mut length = [0; 2];
    while stream.read_exact(&mut length).is_ok() {
        let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut message).unwrap();
        let answer = truth(&message, Carrier::Tcp);
        let length = u16::try_from(answer.len()).unwrap().to_be_bytes();
        stream.write_all(&[&length, &answer[..]].concat()).unwrap();
    }
}

/// Until the effect is what it shall be: questions are told of a moment later.
async fn is_active(host: &LocalHost, order: &InjectionOrder) {
    let nothing = steadfast_model::Observation::default();
    for _ in 0..200 {
        let now = host.observe(&order.fault, &order.targets, order.injection).await.unwrap();
        if matches!(order.fault.as_fault().judge(&nothing, &now), Effect::Active { .. }) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it has no effect");
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_are_meant_fail_by_every_way_and_all_else_is_untouched() {
    let test = "names_that_are_meant_fail_by_every_way_and_all_else_is_untouched";
    let Some(net) = Net::new_or_skip(test) else { return };
    let (stage, before_all) = (Stage::new(), NetnsPair::snapshot(&net.pair.a));
    let host = stage.host();
    // Sockets that ask the same server before, during and after.
    let lasting = servers().map(|server| net.inside(|| packet_socket(server)));
    let through = |socket: &UdpSocket, name| {
        socket.send(&question(name, A)).unwrap();
        let mut buffer = [0; 2048];
        socket.recv(&mut buffer).ok().map(|length| said(&buffer[..length]))
    };
    let (yes, no) = (Said { code: 0, last: Some(TRUE_FOUR) }, Said { code: 3, last: None });
    for socket in &lasting {
        assert_eq!(through(socket, "db.shop"), Some(yes));
    }
    let order = net.order(&host, NXDOMAIN).await;
    let preview = host.preflight(&order.fault, &order.targets).await.unwrap();
    assert!(preview.backend.contains("DNS server of our own"), "{preview:?}");
    assert!(preview.warnings.iter().any(|warning| warning.contains("not known before")), "{preview:?}");
    host.inject(&order).await.unwrap();
    let again = host.preflight(&order.fault, &order.targets).await.unwrap_err();
    assert_eq!(again.kind, HostErrorKind::Conflict);
    for (server, socket) in servers().into_iter().zip(&lasting) {
        assert_eq!(through(socket, "dB.sHOp"), Some(no), "{server}");
        assert_eq!(through(socket, "db.elsewhere"), Some(yes), "{server}");
        let by_stream = |messages: &[Vec<u8>]| net.inside(|| ask_by_stream(server, messages));
        let both = by_stream(&[question("db.shop", AAAA), question("large.elsewhere", A)]);
        assert_eq!((said(&both[0]).code, both[0].len() < 100), (3, true), "{server}");
        assert_eq!((said(&both[1]).code, both[1].len() > 900), (0, true), "{server}: a large answer");
        // It does not fit into a packet, and whoever asks is told so as by the server.
        let large = net.inside(|| ask_by_packet(server, &question("large.elsewhere", A))).unwrap();
        assert_eq!((large.code, large.last), (0, None), "{server}");
        let garbage = b"\x07\x07 no question at all";
        assert_eq!(by_stream(&[garbage.to_vec()]), [garbage]);
        let socket = net.inside(|| packet_socket(server));
        socket.send(garbage).unwrap();
        let mut buffer = [0; 64];
        let length = socket.recv(&mut buffer).unwrap();
        assert_eq!(buffer[..length], garbage[..]);
    }
    is_active(&host, &order).await;
    host.renew(order.injection).await.unwrap();
    host.revert(order.injection).await.unwrap();
    host.revert(order.injection).await.unwrap();
    for socket in &lasting {
        assert_eq!(through(socket, "db.shop"), Some(yes), "a socket from before works at once");
    }
    let now = host.observe(&order.fault, &order.targets, order.injection).await.unwrap();
    let effect = order.fault.as_fault().judge(&Default::default(), &now);
    assert!(matches!(effect, Effect::Absent { .. }), "{effect}");
    assert!(stage.status().injections.is_empty());
    assert_eq!(NetnsPair::snapshot(&net.pair.a), before_all);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_on_names_is_felt_by_the_c_library_and_gone() {
    let test = "every_fault_on_names_is_felt_by_the_c_library_and_gone";
    let Some(net) = Net::new_or_skip(test) else { return };
    let stage = Stage::new();
    let host = stage.host();
    let at = |server: SocketAddr, name: &str| getent(&net.pair.a, server.ip(), name);
    let truth = "10.99.0.1".to_owned();
    for server in servers() {
        assert_eq!(at(server, "db.shop"), Some(truth.clone()), "{server}");
    }
    let is = |address: &'static str| move |found: Option<String>| found.as_deref() == Some(address);
    let none = |found: Option<String>| found.is_none();
    let drawn = |found: Option<String>| found.is_some_and(|found| found.starts_with("198.1"));
    type Expected = Box<dyn Fn(Option<String>) -> bool>;
    let cases: [(&str, Expected, Duration); 6] = [
        (NXDOMAIN, Box::new(none), Duration::ZERO),
        (r#"{"dnsError":{"names":["db.shop."],"answer":"servfail"}}"#, Box::new(none), Duration::ZERO),
        (r#"{"dnsError":{"names":["db.*"],"answer":"timeout"}}"#, Box::new(none), Duration::from_secs(1)),
        (
            r#"{"dnsSpoof":{"names":["db.shop"],"answers":["10.9.8.7","fd98::7"]}}"#,
            Box::new(is("10.9.8.7")),
            Duration::ZERO,
        ),
        (r#"{"dnsSpoof":{"names":["db.shop"],"random":true}}"#, Box::new(drawn), Duration::ZERO),
        (
            r#"{"dnsDelay":{"names":["db.shop"],"latency":"300ms"}}"#,
            Box::new(is("10.99.0.1")),
            Duration::from_millis(300),
        ),
    ];
    for (json, expected, at_least) in cases {
        let order = net.order(&host, json).await;
        host.inject(&order).await.unwrap();
        let server = servers()[0];
        #[expect(clippy::disallowed_methods, reason = "measures a real resolver")]
        let begun = Instant::now();
        let found = at(server, "db.shop");
        let took = begun.elapsed();
        assert!(expected(found.clone()), "{json}: {found:?}");
        assert!(took >= at_least, "{json}: {took:?}");
        assert_eq!(at(servers()[1], "other.example"), Some(truth.clone()), "{json}");
        is_active(&host, &order).await;
        host.revert(order.injection).await.unwrap();
        assert_eq!(at(server, "db.shop"), Some(truth.clone()), "{json}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_question_nothing_is_claimed() {
    let Some(net) = Net::new_or_skip("without_a_question_nothing_is_claimed") else { return };
    let stage = Stage::new();
    let host = stage.host();
    let order = net.order(&host, NXDOMAIN).await;
    host.inject(&order).await.unwrap();
    let effect = async || {
        let now = host.observe(&order.fault, &order.targets, order.injection).await.unwrap();
        order.fault.as_fault().judge(&Default::default(), &now).to_string()
    };
    let idle = effect().await;
    assert!(idle.contains("no question to a DNS server was asked"), "{idle}");
    assert!(net.look_up("db.elsewhere").is_some());
    // Told a moment later.
    let mut said = String::new();
    for _ in 0..100 {
        said = effect().await;
        if !said.contains("was asked") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(said.contains("none of the 1 questions"), "{said}");
    host.revert(order.injection).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_killed_takes_a_fault_on_names_along() {
    let Some(net) = Net::new_or_skip("whoever_is_killed_takes_a_fault_on_names_along") else { return };
    let lasting = net.inside(|| packet_socket(servers()[0]));
    for injector_dies in [true, false] {
        let stage = Stage::new();
        let arguments = [net.pair.a.clone(), NXDOMAIN.to_owned()];
        let mut injector = Injector::start("network-injector", &stage, &arguments);
        assert_eq!(injector.hear(), "injected");
        assert_eq!(net.look_up("db.shop"), Some(Said { code: 3, last: None }));
        if injector_dies {
            injector.kill();
        } else {
            assert!(worker(&stage).signal(Signal::Kill).unwrap());
        }
        let answers = || {
            lasting.send(&question("db.shop", A)).unwrap_or_default();
            let mut buffer = [0; 2048];
            lasting.recv(&mut buffer).is_ok_and(|length| said(&buffer[..length]).code == 0)
        };
        eventually("names are found again", answers).await;
    }
}

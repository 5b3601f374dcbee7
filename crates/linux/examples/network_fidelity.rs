//! Measures network faults in a pair of network namespaces of its own: `cargo run --release -p steadfast-linux --example
//! network_fidelity`. Needs root.
//!
//! Delays beside a bare sleeper of the same run, what TCP carries meanwhile both ways, and how many packets get lost.

#![expect(clippy::print_stdout, reason = "a program for people")]

use std::{
    io::{Read, Write},
    net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket},
    num::NonZeroU64,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use rustix::time::{ClockId, clock_gettime};
use steadfast_linux::network::{Held, Namespace, Pulse};
use steadfast_model::{
    BootTime, Duration as Length, InjectionId,
    network::{Backend, Direction, Disturbance, DisturbanceId, NetworkFault, Traffic, Transport},
};
use steadfast_testkit::NetnsPair;

/// So many round trips, and fewer when each takes long.
const TRIPS: u64 = 500;
const PACKETS: u32 = 20_000;
const FLOW: Duration = Duration::from_secs(3);

fn main() {
    let Some(pair) = NetnsPair::new_or_skip("network_fidelity") else {
        println!("needs root");
        return;
    };
    println!("nothing held: round trip p50 {:.3} ms", quantile(&round_trips(&pair, TRIPS), 0.5));
    println!("nothing held: TCP out {:.2} Gbit/s, in {:.2} Gbit/s", flow(&pair, true), flow(&pair, false));
    loss(&pair);
    for millis in [1, 10, 100] {
        for direction in [Direction::Ingress, Direction::Egress] {
            delay(&pair, millis, direction);
        }
    }
}

fn delay(pair: &NetnsPair, millis: u64, direction: Direction) {
    let latency = Length::from_millis(millis);
    let fault = NetworkFault::Delay {
        latency,
        jitter: Length::ZERO,
        keep_order: false,
        seed: 0,
        backend: Backend::Nftables,
    };
    let hold = Hold::put(pair, fault, Traffic { direction, ..Traffic::default() });
    let trips = TRIPS.min(10_000 / millis);
    let (held, bare) = (round_trips(pair, trips), sleeps(millis, trips));
    let [p50, p99] = [0.5, 0.99].map(|share| quantile(&held, share));
    let [bare50, bare99] = [0.5, 0.99].map(|share| quantile(&bare, share));
    println!(
        "{millis} ms {direction:?}: p50 {p50:.3} ms, p99 {p99:.3} ms; sleeper p50 {bare50:.3} ms, p99 {bare99:.3} ms; difference of p50 {:.3} ms",
        p50 - bare50
    );
    if millis == 10 {
        let (out, into) = (flow(pair, true), flow(pair, false));
        println!("{millis} ms {direction:?}: TCP out {out:.2} Gbit/s, in {into:.2} Gbit/s");
    }
    hold.take_away();
}

fn loss(pair: &NetnsPair) {
    let percent = "10%".parse().expect("a share");
    let protocol = Some(Transport::Udp);
    let traffic = Traffic { direction: Direction::Egress, protocol, ..Traffic::default() };
    let hold = Hold::put(pair, NetworkFault::Loss { percent, backend: Backend::Nftables }, traffic);
    let lost = losses(pair);
    let middle = f64::from(PACKETS) * 0.1;
    let reach = 2.576 * (middle * 0.9).sqrt();
    let (low, high) = (middle - reach, middle + reach);
    println!("loss of 10%: {lost} of {PACKETS}; 99% of runs lie between {low:.0} and {high:.0}");
    hold.take_away();
}

/// A disturbance of the first namespace, on a thread that holds it.
struct Hold {
    pulse: Arc<Pulse>,
    thread: thread::JoinHandle<()>,
}

impl Hold {
    fn put(pair: &NetnsPair, fault: NetworkFault, traffic: Traffic) -> Self {
        let namespace = inside(&pair.a);
        let disturbance = Disturbance {
            id: DisturbanceId { injection: InjectionId::new(), number: 0 },
            namespace: namespace.identity().clone(),
            path: "/nowhere".into(),
            traffic,
            fault,
            deadline: BootTime(u64::MAX),
            lease: BootTime(u64::MAX),
        };
        let pulse = Arc::new(Pulse::new().expect("a descriptor"));
        let (beats, (tell, told)) = (pulse.clone(), mpsc::channel());
        let thread = thread::spawn(move || {
            namespace.enter().expect("root may enter");
            let held = Held::put(&disturbance).expect("the kernel offers it");
            tell.send(()).expect("somebody waits");
            held.keep(&beats).expect("packets can be held");
        });
        told.recv().expect("it is in place");
        Self { pulse, thread }
    }

    fn take_away(self) {
        self.pulse.end();
        self.thread.join().expect("it ends");
    }
}

fn inside(name: &str) -> Namespace {
    Namespace::named(name).expect("root may look").expect("it is there")
}

fn udp(name: &str, address: IpAddr) -> UdpSocket {
    let bound = inside(name).inside(|| UdpSocket::bind(SocketAddr::from((address, 7001))));
    let socket = bound.expect("root may enter").expect("the port is free");
    socket.set_read_timeout(Some(Duration::from_secs(2))).expect("a fresh socket can be set");
    socket
}

/// From the first namespace to the second and back, in milliseconds, sorted.
fn round_trips(pair: &NetnsPair, trips: u64) -> Vec<f64> {
    let (a, b) = (udp(&pair.a, NetnsPair::ADDRESS_A), udp(&pair.b, NetnsPair::ADDRESS_B));
    let there = b.local_addr().expect("it is bound");
    let answering = thread::spawn(move || {
        let mut buffer = [0; 8];
        for _ in 0..trips {
            let (_, from) = b.recv_from(&mut buffer).expect("a packet comes");
            b.send_to(&buffer, from).expect("it can be answered");
        }
    });
    let once = |_| {
        let begun = seconds();
        a.send_to(b"12345678", there).expect("it can be sent");
        a.recv(&mut [0; 8]).expect("an answer comes");
        (seconds() - begun) * 1e3
    };
    let times = sorted((0..trips).map(once).collect());
    answering.join().expect("it ends");
    times
}

/// A bare sleeper with the same exact timers, in milliseconds, sorted.
#[expect(clippy::disallowed_methods, reason = "what the delays are measured beside")]
fn sleeps(millis: u64, times: u64) -> Vec<f64> {
    rustix::thread::set_current_timer_slack(NonZeroU64::new(1)).ok();
    let once = |_| {
        let begun = seconds();
        thread::sleep(Duration::from_millis(millis));
        (seconds() - begun) * 1e3
    };
    sorted((0..times).map(once).collect())
}

/// What one TCP connection carries, in Gbit/s: out of the first namespace, or into it.
fn flow(pair: &NetnsPair, out: bool) -> f64 {
    let address = SocketAddr::from((NetnsPair::ADDRESS_B, 7002));
    let bound = inside(&pair.b).inside(|| TcpListener::bind(address));
    let listener = bound.expect("root may enter").expect("the port is free");
    let opened = inside(&pair.a).inside(|| TcpStream::connect(address));
    let ours = opened.expect("root may enter").expect("it answers");
    let (theirs, _) = listener.accept().expect("it was opened");
    let (mut from, mut to) = if out { (ours, theirs) } else { (theirs, ours) };
    let sending = thread::spawn(move || {
        let chunk = vec![0; 256 * 1024];
        let until = seconds() + FLOW.as_secs_f64();
        while seconds() < until && from.write_all(&chunk).is_ok() {}
    });
    let (begun, mut bytes, mut buffer) = (seconds(), 0_u64, vec![0; 256 * 1024]);
    while let Ok(count @ 1..) = to.read(&mut buffer) {
        bytes += count as u64;
    }
    let took = seconds() - begun;
    sending.join().expect("it ends");
    bytes as f64 * 8.0 / took / 1e9
}

/// How many packets out of the first namespace do not arrive.
fn losses(pair: &NetnsPair) -> u32 {
    let (a, b) = (udp(&pair.a, NetnsPair::ADDRESS_A), udp(&pair.b, NetnsPair::ADDRESS_B));
    b.set_nonblocking(true).expect("a fresh socket can be set");
    let there = b.local_addr().expect("it is bound");
    let mut arrived = 0;
    for _ in 0..PACKETS {
        a.send_to(b"x", there).expect("it can be sent");
        while b.recv(&mut [0; 8]).is_ok() {
            arrived += 1;
        }
    }
    PACKETS - arrived
}

fn sorted(mut times: Vec<f64>) -> Vec<f64> {
    times.sort_by(f64::total_cmp);
    times
}

fn quantile(sorted: &[f64], share: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * share) as usize]
}

fn seconds() -> f64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as f64 + now.tv_nsec as f64 / 1e9
}

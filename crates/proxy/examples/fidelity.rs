//! Prints how exactly the proxy delays: the time a delay of 1, 10 and 100 ms adds, beside a bare sleeper of the same
//! process. `cargo run --example fidelity -p steadfast-proxy [ROUNDS]`
#![expect(clippy::print_stdout, reason = "an example prints")]
#![expect(clippy::disallowed_methods, reason = "a measurement of real time")]

use std::{sync::Arc, time::Duration, time::Instant};

use steadfast_model::{
    BootTime, Clock, InjectionId, Percent, ProcessIdentity, WallTime,
    proxy::{HttpMatch, Protocol, ProxyFault, ProxyRule, RuleId, Side, Stream},
};
use steadfast_proxy::{Limits, Proxy, ProxyConfig, control::Client};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

type Failure = Box<dyn std::error::Error>;

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

struct BootClock;

impl Clock for BootClock {
    fn wall(&self) -> WallTime {
        WallTime(0)
    }
    fn boot(&self) -> BootTime {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        BootTime(time.tv_sec.unsigned_abs() * 1_000_000_000 + time.tv_nsec.unsigned_abs())
    }
    fn boot_id(&self) -> String {
        "example".to_owned()
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Failure> {
    let rounds = std::env::args().nth(1).map_or(Ok(200), |rounds| rounds.parse::<u32>())?;
    println!("{:>8} {:>8} {:>12} {:>12} {:>10}", "delay", "what", "p50 added", "p99 added", "p50-sleep");
    for millis in [1, 10, 100] {
        let rounds = if millis == 100 { rounds.min(100) } else { rounds };
        let delay = Duration::from_millis(millis);
        let sleeper = tokio::task::spawn_blocking(move || sleep(delay, rounds)).await?;
        let bare = print(millis, "sleeper", sleeper, Duration::ZERO);
        let latency = steadfast_model::Duration::from_millis(millis);
        let jitter = steadfast_model::Duration::ZERO;
        for (what, protocol, fault) in [
            ("tcp", Protocol::Tcp, ProxyFault::TcpDelay { latency, jitter, stream: Stream::Downstream }),
            (
                "http",
                Protocol::Http,
                ProxyFault::HttpDelay {
                    latency,
                    jitter,
                    side: Side::Request,
                    matching: HttpMatch::default(),
                },
            ),
        ] {
            let (without, with) = proxied(protocol, fault, rounds, delay).await?;
            let added = with.into_iter().map(|took| took.saturating_sub(without)).collect();
            print(millis, what, added, bare);
        }
    }
    Ok(())
}

/// What a thread that sleeps gets, with the least timer slack there is.
fn sleep(delay: Duration, rounds: u32) -> Vec<Duration> {
    rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1)).unwrap_or_default();
    (0..rounds)
        .map(|_| {
            let start = Instant::now();
            std::thread::sleep(delay);
            start.elapsed()
        })
        .collect()
}

/// The median round trip without the fault, after pauses as long as the delay (a machine that just slept is slower), and all round trips with it.
async fn proxied(
    protocol: Protocol,
    fault: ProxyFault,
    rounds: u32,
    pause: Duration,
) -> Result<(Duration, Vec<Duration>), Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let upstream = listener.local_addr()?.to_string();
    tokio::spawn(async move {
        let Ok((mut socket, _)) = listener.accept().await else { return };
        let mut request = [0; REQUEST.len()];
        drop(socket.set_nodelay(true));
        while socket.read_exact(&mut request).await.is_ok() && socket.write_all(ANSWER).await.is_ok() {}
    });
    let directory = std::env::temp_dir().join(format!("steadfast-fidelity-{}", std::process::id()));
    let control = directory.join("control");
    let config = ProxyConfig {
        name: "fidelity".to_owned(),
        listen: "127.0.0.1:0".parse()?,
        upstream,
        protocol,
        control: control.clone(),
        identity: ProcessIdentity { pid: std::process::id(), start_time: 0, boot_id: "example".to_owned() },
        allow_remote: false,
        limits: Limits::default(),
    };
    let proxy = Proxy::bind(config, Arc::new(BootClock)).await?;
    let address = proxy.local_addr();
    let running = tokio::spawn(proxy.run(std::future::pending()));
    let mut client = Client::connect(&control).await?;
    let mut socket = TcpStream::connect(address).await?;
    socket.set_nodelay(true)?;
    let mut without = round_trips(&mut socket, rounds, pause).await?;
    without.sort();
    let end = BootClock.boot().after(Duration::from_secs(120));
    let id = RuleId { injection: InjectionId::new(), number: 0 };
    client.apply(ProxyRule { id, fault, percent: Percent::ALL, seed: 1, deadline: end, lease: end }).await?;
    let with = round_trips(&mut socket, rounds, Duration::ZERO).await?;
    client.shutdown().await?;
    running.await??;
    std::fs::remove_dir_all(directory)?;
    Ok((without[without.len() / 2], with))
}

async fn round_trips(socket: &mut TcpStream, rounds: u32, pause: Duration) -> Result<Vec<Duration>, Failure> {
    let mut took = Vec::new();
    let mut answer = [0; ANSWER.len()];
    for _ in 0..rounds {
        tokio::time::sleep(pause).await;
        let start = Instant::now();
        socket.write_all(REQUEST).await?;
        socket.read_exact(&mut answer).await?;
        took.push(start.elapsed());
    }
    Ok(took)
}

/// Prints a row; returns its median.
fn print(millis: u64, what: &str, mut took: Vec<Duration>, bare: Duration) -> Duration {
    took.sort();
    let (median, late) = (took[took.len() / 2], took[took.len() * 99 / 100]);
    let beside = if bare.is_zero() { 0.0 } else { (median.as_secs_f64() - bare.as_secs_f64()) * 1e3 };
    println!("{millis:>6}ms {what:>8} {:>10.3}ms {:>10.3}ms {beside:>+8.3}ms", ms(median), ms(late));
    median
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

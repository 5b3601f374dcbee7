//! Prints how exactly the proxy delays: the time a delay of 1, 10 and 100 ms adds, beside a bare sleeper of the same
//! process. All go round by round, so that they feel the same moments of the machine; every turn of so many rounds has its
//! own lines. `cargo run --release --example fidelity -p steadfast-proxy [TURNS] [ROUNDS]`
#![expect(clippy::print_stdout, reason = "an example prints")]
#![expect(clippy::disallowed_methods, reason = "a measurement of real time")]

use std::time::{Duration, Instant};

use steadfast_model::proxy::{HttpMatch, Protocol, ProxyFault, Side, Stream};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

#[path = "shared/stage.rs"]
mod stage;

use stage::{Failure, Stage};

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Failure> {
    let mut words = std::env::args().skip(1);
    let mut number = |usual| words.next().map_or(Ok(usual), |word| word.parse::<u32>());
    let (turns, rounds) = (number(1)?, number(200)?);
    println!("{:>8} {:>8} {:>12} {:>12} {:>10}", "delay", "what", "p50 added", "p99 added", "p50-sleep");
    for millis in [1, 10, 100] {
        let delay = Duration::from_millis(millis);
        let latency = steadfast_model::Duration::from_millis(millis);
        let jitter = steadfast_model::Duration::ZERO;
        let tcp = ProxyFault::TcpDelay { latency, jitter, stream: Stream::Downstream };
        let (side, matching) = (Side::Request, HttpMatch::default());
        let http = ProxyFault::HttpDelay { latency, jitter, side, matching };
        let mut lanes =
            [Lane::open("tcp", Protocol::Tcp, tcp).await?, Lane::open("http", Protocol::Http, http).await?];
        for _ in 0..turns {
            let mut slept = Vec::new();
            for _ in 0..rounds {
                slept.push(tokio::task::spawn_blocking(move || sleep(delay)).await?);
                for lane in &mut lanes {
                    lane.round(delay).await?;
                }
            }
            let bare = print(millis, "sleeper", slept, Duration::ZERO);
            for lane in &mut lanes {
                print(millis, lane.what, lane.added(), bare);
            }
        }
        for lane in lanes {
            lane.plain.stage.end().await?;
            lane.delayed.stage.end().await?;
        }
    }
    Ok(())
}

/// What a thread that sleeps gets, with the least timer slack there is.
fn sleep(delay: Duration) -> Duration {
    rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1)).unwrap_or_default();
    let start = Instant::now();
    std::thread::sleep(delay);
    start.elapsed()
}

/// Two proxies of a protocol, one of which delays.
struct Lane {
    what: &'static str,
    plain: Way,
    delayed: Way,
}

impl Lane {
    async fn open(what: &'static str, protocol: Protocol, fault: ProxyFault) -> Result<Self, Failure> {
        let plain = Way::open(&format!("fidelity-{what}-plain"), protocol).await?;
        let mut delayed = Way::open(&format!("fidelity-{what}"), protocol).await?;
        delayed.stage.apply(fault).await?;
        Ok(Self { what, plain, delayed })
    }

    /// A round trip without the fault, after a pause as long as the delay (a machine that just slept is slower), and one
    /// with it.
    async fn round(&mut self, delay: Duration) -> Result<(), Failure> {
        tokio::time::sleep(delay).await;
        self.plain.round_trip().await?;
        self.delayed.round_trip().await
    }

    /// What the delay added to each round trip of this turn, which is over then.
    fn added(&mut self) -> Vec<Duration> {
        let mut without = std::mem::take(&mut self.plain.took);
        without.sort();
        let without = without[without.len() / 2];
        let with = std::mem::take(&mut self.delayed.took);
        with.into_iter().map(|took| took.saturating_sub(without)).collect()
    }
}

/// A proxy, a connection through it, and how long its round trips took.
struct Way {
    stage: Stage,
    socket: TcpStream,
    took: Vec<Duration>,
}

impl Way {
    async fn open(name: &str, protocol: Protocol) -> Result<Self, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let stage = Stage::start(name, protocol, listener.local_addr()?.to_string()).await?;
        tokio::spawn(async move {
            let Ok((mut socket, _)) = listener.accept().await else { return };
            let mut request = [0; REQUEST.len()];
            drop(socket.set_nodelay(true));
            while socket.read_exact(&mut request).await.is_ok() && socket.write_all(ANSWER).await.is_ok() {}
        });
        let socket = TcpStream::connect(stage.address).await?;
        socket.set_nodelay(true)?;
        Ok(Self { stage, socket, took: Vec::new() })
    }

    async fn round_trip(&mut self) -> Result<(), Failure> {
        let mut answer = [0; ANSWER.len()];
        let start = Instant::now();
        self.socket.write_all(REQUEST).await?;
        self.socket.read_exact(&mut answer).await?;
        self.took.push(start.elapsed());
        Ok(())
    }
}

/// Prints a row; returns its median.
fn print(millis: u64, what: &str, mut took: Vec<Duration>, bare: Duration) -> Duration {
    took.sort();
    let late = (took.len() * 99).div_ceil(100).saturating_sub(1);
    let (median, late) = (took[took.len() / 2], took[late]);
    let beside = if bare.is_zero() { 0.0 } else { (median.as_secs_f64() - bare.as_secs_f64()) * 1e3 };
    println!("{millis:>6}ms {what:>8} {:>10.3}ms {:>10.3}ms {beside:>+8.3}ms", ms(median), ms(late));
    median
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

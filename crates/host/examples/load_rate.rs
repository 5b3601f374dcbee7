//! How many requests a second the load sends from one core, and how late, against a server that does next to nothing on
//! the other: `cargo run --release -p steadfast-host --example load_rate [SECONDS]`.

#![expect(clippy::print_stdout, reason = "prints a table")]
#![expect(clippy::unwrap_used, reason = "a measurement ends where it unwraps")]

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use rustix::{
    thread::{CpuSet, sched_setaffinity},
    time::{ClockId, clock_gettime},
};
use steadfast_engine::host::Traffic;
use steadfast_host::observe::Observer;
use steadfast_linux::SystemClock;
use steadfast_probes::load::HttpLoad;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::Builder,
};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const RATES: [u32; 5] = [1_000, 5_000, 10_000, 15_000, 20_000];

fn main() {
    let word = std::env::args().nth(1).unwrap_or_default();
    if word == "serve" {
        pin(1);
        Builder::new_current_thread().enable_all().build().unwrap().block_on(serve());
        return;
    }
    let seconds = word.parse().unwrap_or(5);
    pin(0);
    let server = Server::start();
    println!(
        "  asked/s    due/s   good/s    bad  late p50     p99      max  latency p50      p99  CPU/request"
    );
    for rate in RATES {
        // As the program's own: as many threads as there are cores for it, so one.
        let runtime = Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(measure(rate, seconds, &server.address));
    }
}

/// Binds this process to one core; without two of them there is nothing to bind.
fn pin(core: usize) {
    let mut cores = CpuSet::new();
    cores.set(core);
    if let Err(why) = sched_setaffinity(None, &cores) {
        eprintln!("not bound to core {core}: {why}");
    }
}

async fn measure(rate: u32, seconds: u64, address: &str) {
    let clock = Arc::new(SystemClock::new().unwrap());
    let observer = Observer::new(BTreeMap::new(), clock, 7);
    let load: HttpLoad = serde_json::from_str(&format!(
        r#"{{ "name": "load", "url": "http://{address}/", "rate": "{rate}/s", "inFlight": 2000, "timeout": "2s" }}"#
    ))
    .unwrap();
    let before = cpu();
    observer.start(&load).await.unwrap();
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let report = observer.stop("load").await.unwrap();
    let spent = cpu() - before;
    let (counts, timing) = (observer.load_counts("load").unwrap(), observer.load_timing("load").unwrap());
    let bad = counts.due - counts.good - counts.undecided;
    let per_second = |count: u64| count as f64 / seconds as f64;
    let [late50, late99, late_max] = timing.late_us;
    println!(
        "{rate:9} {:8.0} {:8.0} {bad:6} {late50:6} us {late99:5} us {late_max:6} us {:10} us {:6} us {:9.1} us",
        per_second(counts.due),
        per_second(counts.good),
        report.latency_us[0],
        report.latency_us[2],
        spent / counts.due.max(1) as f64,
    );
    if timing.faults > 0 {
        println!("          at fault {} times: {}", timing.faults, timing.fault);
    }
}

/// Microseconds of processor time of this process.
fn cpu() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 / 1e3
}

/// A server in a process of its own, that ends with this one.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start() -> Self {
        #[expect(clippy::disallowed_methods, reason = "a server beside the load")]
        let mut child = Command::new(std::env::current_exe().unwrap())
            .arg("serve")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut address = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut address).unwrap();
        Self { child, address: address.trim().to_owned() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

async fn serve() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{}", listener.local_addr().unwrap());
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        tokio::spawn(answer(stream));
    }
}

/// One answer a request; requests come one at a time and in one piece.
async fn answer(mut stream: TcpStream) {
    stream.set_nodelay(true).unwrap();
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = stream.read(&mut buffer).await {
        if buffer[..length].ends_with(b"\r\n\r\n") && stream.write_all(ANSWER).await.is_err() {
            break;
        }
    }
}

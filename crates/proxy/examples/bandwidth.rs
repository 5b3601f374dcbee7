//! Prints how exactly `tcpBandwidth` holds a rate on one connection, how evenly the bytes come, and what it costs.
//! `cargo run --release --example bandwidth -p steadfast-proxy [SECONDS]`
#![expect(clippy::print_stdout, reason = "an example prints")]
#![expect(clippy::disallowed_methods, reason = "a measurement of real time")]

use std::time::{Duration, Instant};

use steadfast_model::{
    ByteRate,
    proxy::{Protocol, ProxyFault, Stream},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

#[path = "shared/stage.rs"]
mod stage;

use stage::{Failure, Stage};

/// How long bytes are counted together to see whether they come evenly.
const WINDOW: Duration = Duration::from_millis(100);

/// What one connection got.
struct Flow {
    bytes: u64,
    took: Duration,
    /// The least and the most of all whole windows, in bytes.
    windows: (u64, u64),
    /// Processor time of this process, which is the proxy, its client and its server.
    busy: Duration,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Failure> {
    let seconds = std::env::args().nth(1).map_or(Ok(4), |seconds| seconds.parse::<u64>())?;
    println!(
        "{:>10} {:>11} {:>14} {:>8} {:>22} {:>6}",
        "rate", "stream", "measured", "off", "least, most in 100 ms", "cpu"
    );
    for text in ["64kbit/s", "1Mbit/s", "10Mbit/s", "50Mbit/s", "100Mbit/s", "500Mbit/s", "1Gbit/s"] {
        let rate: ByteRate = text.parse()?;
        for stream in [Stream::Downstream, Stream::Upstream] {
            print(rate, stream, &measure(rate, stream, Duration::from_secs(seconds)).await?);
        }
    }
    Ok(())
}

fn print(rate: ByteRate, stream: Stream, flow: &Flow) {
    let measured = flow.bytes as f64 * 8.0 / flow.took.as_secs_f64();
    let even = rate.bytes_in(WINDOW) as f64;
    println!(
        "{:>10} {:>11} {:>9.3} Mbit/s {:>+7.2}% {:>9.1}%, {:>9.1}% {:>5.0}%",
        rate.to_string(),
        format!("{stream:?}").to_lowercase(),
        measured / 1e6,
        (measured / rate.bits() as f64 - 1.0) * 100.0,
        flow.windows.0 as f64 / even * 100.0,
        flow.windows.1 as f64 / even * 100.0,
        flow.busy.as_secs_f64() / flow.took.as_secs_f64() * 100.0,
    );
}

/// Lets one connection carry as much as it can.
async fn measure(rate: ByteRate, stream: Stream, length: Duration) -> Result<Flow, Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let upstream = listener.local_addr()?.to_string();
    let mut stage = Stage::start("bandwidth", Protocol::Tcp, upstream).await?;
    stage.apply(ProxyFault::TcpBandwidth { rate, stream }).await?;
    let (near, far) = tokio::join!(TcpStream::connect(stage.address), listener.accept());
    let (near, (far, _)) = (near?, far?);
    let (sender, receiver) = if stream == Stream::Upstream { (near, far) } else { (far, near) };
    let sending = tokio::spawn(send(sender));
    let flow = receive(receiver, length, rate).await?;
    sending.abort();
    stage.end().await?;
    Ok(flow)
}

async fn send(mut socket: TcpStream) {
    let bytes = vec![7; 64 * 1024];
    while socket.write_all(&bytes).await.is_ok() {}
}

async fn receive(mut socket: TcpStream, length: Duration, rate: ByteRate) -> Result<Flow, Failure> {
    // Not more than a twentieth of a window at once, or windows would look uneven for the reader's sake.
    let mut part = vec![0; usize::try_from(rate.bytes_in(WINDOW) / 20)?.clamp(1, 256 * 1024)];
    // The first bytes fill buffers and caches.
    let warm = Instant::now();
    while warm.elapsed() < Duration::from_millis(300) {
        if socket.read(&mut part).await? == 0 {
            return Err("the connection ended".into());
        }
    }
    let (start, before) = (Instant::now(), busy());
    let (mut bytes, mut window, mut ends) = (0, 0, WINDOW);
    let mut windows = (u64::MAX, 0);
    let mut took = Duration::ZERO;
    while took < length {
        let size = socket.read(&mut part).await? as u64;
        took = start.elapsed();
        if took >= ends {
            windows = (windows.0.min(window), windows.1.max(window));
            ends += WINDOW;
            window = 0;
        }
        bytes += size;
        window += size;
    }
    Ok(Flow { bytes, took, windows, busy: busy().saturating_sub(before) })
}

/// Processor time of this process so far.
fn busy() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

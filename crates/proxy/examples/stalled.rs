//! How long a removed rule holds anything back: many connections with a kibibyte held each, and the time from the word to
//! remove the rule until the last client has its last byte. `cargo run --release --example stalled -p steadfast-proxy
//! [CONNECTIONS] [TIMES]`
//!
//! One line a time: milliseconds until the last client, all clients in this process too, had everything.
#![expect(clippy::print_stdout, reason = "an example prints")]
#![expect(clippy::disallowed_methods, reason = "a measurement of real time")]

use std::{sync::Arc, time::Duration, time::Instant};

use steadfast_model::{
    BootTime, Clock, Duration as Length, InjectionId, Percent, ProcessIdentity, WallTime,
    proxy::{Protocol, ProxyFault, ProxyRule, RuleId, Stream},
};
use steadfast_proxy::{Limits, Proxy, ProxyConfig, control::Client};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

type Failure = Box<dyn std::error::Error>;

/// Bytes held for each connection.
const HELD: usize = 1024;

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
    let mut words = std::env::args().skip(1);
    let mut number = |usual| words.next().map_or(Ok(usual), |word| word.parse::<usize>());
    let (connections, times) = (number(1_000)?, number(9)?);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let directory = std::env::temp_dir().join(format!("steadfast-stalled-{}", std::process::id()));
    let control = directory.join("control");
    let config = ProxyConfig {
        name: "stalled".to_owned(),
        listen: "127.0.0.1:0".parse()?,
        upstream: listener.local_addr()?.to_string(),
        protocol: Protocol::Tcp,
        control: control.clone(),
        identity: ProcessIdentity { pid: std::process::id(), start_time: 0, boot_id: "example".to_owned() },
        allow_remote: false,
        limits: Limits::default(),
    };
    let proxy = Proxy::bind(config, Arc::new(BootClock)).await?;
    let address = proxy.local_addr();
    let running = tokio::spawn(proxy.run(std::future::pending()));
    let mut client = Client::connect(&control).await?;
    let mut ends = Vec::new();
    for _ in 0..connections {
        let (near, far) = tokio::join!(TcpStream::connect(address), listener.accept());
        ends.push((near?, far?.0));
    }
    for _ in 0..times {
        let took;
        (took, ends) = release(&mut client, ends).await?;
        println!("{:.3}", took.as_secs_f64() * 1e3);
    }
    client.shutdown().await?;
    running.await??;
    std::fs::remove_dir_all(directory)?;
    Ok(())
}

type Ends = Vec<(TcpStream, TcpStream)>;

/// Holds what every server sends, lets it go, and measures.
async fn release(client: &mut Client, ends: Ends) -> Result<(Duration, Ends), Failure> {
    let end = BootClock.boot().after(Duration::from_secs(120));
    let id = RuleId { injection: InjectionId::new(), number: 0 };
    let (latency, jitter) = (Length::from_secs(60), Length::ZERO);
    let fault = ProxyFault::TcpDelay { latency, jitter, stream: Stream::Downstream };
    client.apply(ProxyRule { id, fault, percent: Percent::ALL, seed: 1, deadline: end, lease: end }).await?;
    let before = client.status().await?.bytes;
    let mut reading = JoinSet::new();
    for (mut near, mut far) in ends {
        far.write_all(&[7; HELD]).await?;
        reading.spawn(async move {
            near.read_exact(&mut [0; HELD]).await?;
            Ok::<_, std::io::Error>((Instant::now(), (near, far)))
        });
    }
    // Everything is in the proxy's hands, and nothing has left it.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let held = client.status().await?.bytes;
    if held != before || reading.try_join_next().is_some() {
        return Err(format!("{} bytes were not held", held - before).into());
    }
    let begun = Instant::now();
    client.remove(id).await?;
    let (mut last, mut ends) = (begun, Vec::new());
    while let Some(read) = reading.join_next().await {
        let (at, end) = read??;
        last = last.max(at);
        ends.push(end);
    }
    Ok((last.duration_since(begun), ends))
}

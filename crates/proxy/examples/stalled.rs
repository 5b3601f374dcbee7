//! How long a removed rule holds anything back: many connections with a kibibyte held each, and the time from the word to
//! remove the rule until the last client has its last byte. `cargo run --release --example stalled -p steadfast-proxy
//! [CONNECTIONS] [TIMES]`
//!
//! One line a time: milliseconds until the last client, all clients in this process too, had everything.
#![expect(clippy::print_stdout, reason = "an example prints")]
#![expect(clippy::disallowed_methods, reason = "a measurement of real time")]

use std::{
    io::Read,
    time::{Duration, Instant},
};

use steadfast_model::{
    Duration as Length,
    proxy::{Protocol, ProxyFault, Stream},
};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
};

#[path = "shared/stage.rs"]
mod stage;

use stage::{Failure, Stage};

/// Bytes held for each connection.
const HELD: usize = 1024;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Failure> {
    let mut words = std::env::args().skip(1);
    let mut number = |usual| words.next().map_or(Ok(usual), |word| word.parse::<usize>());
    let (connections, times) = (number(1_000)?, number(9)?);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let mut stage = Stage::start("stalled", Protocol::Tcp, listener.local_addr()?.to_string()).await?;
    let mut ends = (Vec::new(), Vec::new());
    for _ in 0..connections {
        let (near, far) = tokio::join!(TcpStream::connect(stage.address), listener.accept());
        let near = near?.into_std()?;
        near.set_nonblocking(false)?;
        ends.0.push(near);
        ends.1.push(far?.0);
    }
    for _ in 0..times {
        let took;
        (took, ends) = release(&mut stage, ends).await?;
        println!("{:.3}", took.as_secs_f64() * 1e3);
    }
    stage.end().await
}

/// What clients and servers have of every connection. Clients read on a thread of their own, one after the other: most of
/// their bytes are there when it is their turn, and the proxy keeps the processors.
type Ends = (Vec<std::net::TcpStream>, Vec<TcpStream>);

/// Holds what every server sends, lets it go, and measures.
async fn release(stage: &mut Stage, (near, mut far): Ends) -> Result<(Duration, Ends), Failure> {
    let (latency, jitter) = (Length::from_secs(60), Length::ZERO);
    let id = stage.apply(ProxyFault::TcpDelay { latency, jitter, stream: Stream::Downstream }).await?;
    let before = stage.client.status().await?.bytes;
    for server in &mut far {
        server.write_all(&[7; HELD]).await?;
    }
    // Everything is in the proxy's hands, and nothing has left it.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let held = stage.client.status().await?.bytes;
    if held != before {
        return Err(format!("{} bytes were not held", held - before).into());
    }
    let reading = std::thread::spawn(move || {
        for mut client in &near {
            client.read_exact(&mut [0; HELD])?;
        }
        Ok::<_, std::io::Error>((Instant::now(), near))
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    let begun = Instant::now();
    stage.client.remove(id).await?;
    let (last, near) =
        tokio::task::spawn_blocking(|| reading.join()).await?.map_err(|_| "the reader panicked")??;
    Ok((last.duration_since(begun), (near, far)))
}

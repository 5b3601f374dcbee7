//! What the tests of this crate run: the services, the supervisor, and a stand-in for the proxy whose delay is read
//! from a file beside its control path. The `steadfast` binary has its own of each.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use steadfast_demo::{DemoConfig, ServiceConfig, run_service, supervise};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

type Failure = Box<dyn std::error::Error>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let words: Vec<_> = arguments.iter().map(String::as_str).collect();
    match run(&words).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("failed to {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(words: &[&str]) -> Result<(), Failure> {
    match words {
        ["demo-service", name, "--config", file] => {
            Ok(run_service(name, &ServiceConfig::read(Path::new(file))?).await?)
        }
        ["demo-supervise", "--config", file] => Ok(supervise(&DemoConfig::read(Path::new(file))?).await?),
        ["proxy", rest @ ..] => proxy(rest).await,
        _ => Err("understand the arguments".into()),
    }
}

async fn proxy(words: &[&str]) -> Result<(), Failure> {
    let value = |name: &str| {
        let at = words.iter().position(|w| *w == name).ok_or_else(|| format!("find {name}"))?;
        words.get(at + 1).copied().ok_or_else(|| format!("find the value of {name}"))
    };
    let listen: SocketAddr = value("--listen")?.parse()?;
    let upstream: SocketAddr = value("--upstream")?.parse()?;
    let delay_file = PathBuf::from(format!("{}.delay", value("--control")?));
    let listener = TcpListener::bind(listen).await?;
    let (ended, wait) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).ok();
        ended.send(()).ok();
    });
    let accepting = async {
        loop {
            let (client, _) = listener.accept().await?;
            tokio::spawn(pass(client, upstream, delay_file.clone()));
        }
    };
    tokio::select! {
        _ = wait => Ok(()),
        failed = accepting => failed,
    }
}

/// Bytes towards the upstream at once, bytes back after the delay that holds when they arrive.
async fn pass(mut client: TcpStream, upstream: SocketAddr, delay_file: PathBuf) -> std::io::Result<()> {
    let mut server = TcpStream::connect(upstream).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let forth = tokio::io::copy(&mut from_client, &mut to_server);
    let back = async {
        let mut chunk = vec![0; 64 << 10];
        loop {
            let n = from_server.read(&mut chunk).await?;
            if n == 0 {
                return Ok::<_, std::io::Error>(());
            }
            let delay = std::fs::read_to_string(&delay_file).ok().and_then(|ms| ms.trim().parse().ok());
            if let Some(ms) = delay {
                tokio::time::sleep(Duration::from_millis(ms)).await;
            }
            to_client.write_all(&chunk[..n]).await?;
        }
    };
    tokio::select! {
        forth = forth => forth.map(drop),
        back = back => back,
    }
}

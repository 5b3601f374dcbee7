//! A place for one test: its directory, its system, a client, and load.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use steadfast_demo::{AuditReport, DemoConfig, Switches, System, audit, drain};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep, timeout};

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_steadfast-demo-process");

pub(crate) struct Site {
    pub(crate) config: DemoConfig,
    _dir: tempfile::TempDir,
}

impl Site {
    /// Services that call each other directly.
    pub(crate) fn direct() -> Self {
        Self::new(false, &[], &[])
    }

    /// Services that call each other through the stand-in proxies.
    pub(crate) fn proxied(without: &[&str], fix: &[&str]) -> Self {
        Self::new(true, without, fix)
    }

    fn new(proxied: bool, without: &[&str], fix: &[&str]) -> Self {
        let owned = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        let dir = tempfile::tempdir().unwrap();
        let config = DemoConfig {
            state_dir: dir.path().join("state"),
            service_command: vec![PROGRAM.into(), "demo-service".into()],
            proxy_command: proxied.then(|| vec![PROGRAM.into(), "proxy".into()]),
            switches: Switches::new(&owned(without), &owned(fix)).unwrap(),
            gateway_port: None,
            apart: None,
        };
        Self { config, _dir: dir }
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.config.state_dir
    }

    /// What the connection adds to every answer from now on; zero is nothing.
    pub(crate) fn delay(&self, connection: &str, ms: u64) {
        let file = self.dir().join("proxies").join(format!("{connection}.sock.delay"));
        match ms {
            0 => std::fs::remove_file(file).unwrap(),
            ms => std::fs::write(file, ms.to_string()).unwrap(),
        }
    }

    /// Drains, then audits.
    pub(crate) async fn audited(&self) -> AuditReport {
        drain(self.dir(), Duration::from_secs(20)).await.unwrap();
        audit(self.dir()).await.unwrap()
    }

    pub(crate) fn database(&self, name: &str) -> PathBuf {
        self.dir().join(name)
    }
}

/// One request on a connection of its own: status, body, time; status 0 if there is no answer within 15 s.
pub(crate) async fn ask(url: &str, method: Method, body: &str) -> (u16, String, Duration) {
    let since = Instant::now();
    let asked = timeout(Duration::from_secs(15), exchange(url, method, body)).await;
    let (status, text) = asked.ok().and_then(Result::ok).unwrap_or_default();
    (status, text, since.elapsed())
}

async fn exchange(
    url: &str,
    method: Method,
    body: &str,
) -> Result<(u16, String), Box<dyn std::error::Error>> {
    let rest = url.strip_prefix("http://").ok_or("http only")?;
    let (host, path) = rest.split_at(rest.find('/').ok_or("a path")?);
    let stream = TcpStream::connect(host).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", host)
        .body(Full::new(Bytes::from(body.to_owned())))?;
    let (head, rest) = sender.send_request(request).await?.into_parts();
    let body = rest.collect().await?.to_bytes();
    Ok((head.status.as_u16(), String::from_utf8(body.to_vec())?))
}

pub(crate) async fn pay(system: &System, body: &str) -> (u16, String, Duration) {
    ask(&format!("{}/pay", system.gateway_url()), Method::POST, body).await
}

/// A payment of 12.50 between accounts the gateway chooses.
pub(crate) const ANY: &str = r#"{"from":"any","to":"any","amount":1250}"#;

/// Open load: requests start on time whatever the answers take. `retries` repeats a failed request with the same key.
pub(crate) async fn load(system: &Arc<System>, rate: u64, length: Duration, retries: u32) -> Seen {
    let mut tick = interval(Duration::from_secs(1) / u32::try_from(rate).unwrap());
    let mut asked = JoinSet::new();
    let first = Instant::now();
    let run = rand::random::<u32>();
    for n in 0_u64.. {
        tick.tick().await;
        if first.elapsed() >= length {
            break;
        }
        let system = system.clone();
        asked.spawn(async move {
            let body = format!(r#"{{"amount":1250,"key":"load-{run}-{n}"}}"#);
            let mut answer = pay(&system, &body).await;
            for _ in 0..retries {
                if (200..300).contains(&answer.0) {
                    break;
                }
                sleep(Duration::from_millis(200)).await;
                answer = pay(&system, &body).await;
            }
            (answer.0, answer.2)
        });
    }
    let mut seen = Seen(asked.join_all().await);
    seen.0.sort_by_key(|(_, took)| *took);
    seen
}

/// Status and time of every request, fastest first.
pub(crate) struct Seen(Vec<(u16, Duration)>);

impl Seen {
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn failed(&self) -> usize {
        self.0.iter().filter(|(status, _)| !(200..300).contains(status)).count()
    }

    pub(crate) fn with_status(&self, status: u16) -> usize {
        self.0.iter().filter(|(s, _)| *s == status).count()
    }

    pub(crate) fn quantile(&self, q: f64) -> Duration {
        self.0[((self.0.len() - 1) as f64 * q) as usize].1
    }
}

/// The value of one sample of `/metrics`, 0 if it is not there.
pub(crate) async fn metric(system: &System, service: &str, sample: &str) -> f64 {
    let (_, text, _) = ask(&format!("{}/metrics", system.state().url(service)), Method::GET, "").await;
    let line = text.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
    line.map_or(0.0, |value| value.parse().unwrap())
}

/// Waits for something that must become true within 10 s.
pub(crate) async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !holds().await {
        assert!(Instant::now() < deadline, "{what} within 10 s");
        sleep(Duration::from_millis(20)).await;
    }
}

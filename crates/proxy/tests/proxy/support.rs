//! A running proxy, servers to stand behind it, and rules.

use std::{
    fs::Permissions,
    io,
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use steadfast_model::{
    BootTime, Clock, InjectionId, Percent, ProcessIdentity, WallTime,
    proxy::{HttpMatch, Protocol, ProxyFault, ProxyRule, ProxyStatus, RuleId, Side, Stream},
};
use steadfast_proxy::{Handle, Limits, Proxy, ProxyConfig, ProxyError, Tls, control::Client};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    task::JoinHandle,
    time::timeout,
};

/// This machine's clock.
pub(crate) struct RealClock;

impl Clock for RealClock {
    fn wall(&self) -> WallTime {
        WallTime(0)
    }
    fn boot(&self) -> BootTime {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        BootTime(time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64)
    }
    fn boot_id(&self) -> String {
        "test".to_owned()
    }
}

/// A proxy and its control client. Dropping it ends the proxy.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) control: PathBuf,
    pub(crate) client: Client,
    pub(crate) handle: Handle,
    task: JoinHandle<Result<(), ProxyError>>,
    _directory: tempfile::TempDir,
}

impl Running {
    pub(crate) async fn start(protocol: Protocol, upstream: SocketAddr) -> Self {
        Self::start_with(protocol, upstream, Limits::default(), Arc::new(RealClock)).await
    }

    pub(crate) async fn start_tls(protocol: Protocol, upstream: SocketAddr, tls: Tls) -> Self {
        let given = ProxyConfig { protocol, tls, ..config(PathBuf::new(), upstream) };
        Self::start_as(given, Arc::new(RealClock)).await
    }

    pub(crate) async fn start_with(
        protocol: Protocol,
        upstream: SocketAddr,
        limits: Limits,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self::start_as(ProxyConfig { protocol, limits, ..config(PathBuf::new(), upstream) }, clock).await
    }

    async fn start_as(config: ProxyConfig, clock: Arc<dyn Clock>) -> Self {
        let directory = private_directory();
        let control = directory.path().join("control");
        let config = ProxyConfig { control: Some(control.clone()), ..config };
        let proxy = Proxy::bind(config, clock).await.unwrap();
        let (address, handle) = (proxy.local_addr(), proxy.handle());
        let task = tokio::spawn(proxy.run(std::future::pending()));
        let client = Client::connect(&control).await.unwrap().with_deadline(Duration::from_secs(5));
        Self { address, control, client, handle, task, _directory: directory }
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Puts a rule for all in place, for a minute.
    pub(crate) async fn apply(&mut self, fault: ProxyFault) -> RuleId {
        self.apply_rule(rule(fault)).await
    }

    pub(crate) async fn apply_rule(&mut self, rule: ProxyRule) -> RuleId {
        let id = rule.id;
        self.client.apply(rule).await.unwrap();
        id
    }

    pub(crate) async fn remove(&mut self, id: RuleId) {
        assert!(self.client.remove(id).await.unwrap().rules.is_empty());
    }

    pub(crate) async fn status(&mut self) -> ProxyStatus {
        self.client.status().await.unwrap()
    }

    /// Hits and sightings of the only rule.
    pub(crate) async fn counts(&mut self) -> (u64, u64) {
        let status = self.status().await;
        assert_eq!(status.rules.len(), 1, "{status:?}");
        (status.rules[0].hits, status.rules[0].seen)
    }

    /// Waits until the proxy ends by itself.
    pub(crate) async fn ended(mut self) -> Result<(), ProxyError> {
        timeout(Duration::from_secs(5), &mut self.task).await.expect("the proxy did not end").unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A directory only its owner can enter.
pub(crate) fn private_directory() -> tempfile::TempDir {
    tempfile::Builder::new().permissions(Permissions::from_mode(0o700)).tempdir().unwrap()
}

pub(crate) fn config(control: PathBuf, upstream: SocketAddr) -> ProxyConfig {
    ProxyConfig {
        name: "a-b".to_owned(),
        listen: "127.0.0.1:0".parse().unwrap(),
        upstream: upstream.to_string(),
        protocol: Protocol::Tcp,
        control: Some(control),
        identity: ProcessIdentity { pid: std::process::id(), start_time: 1, boot_id: "test".to_owned() },
        tls: Tls::default(),
        allow_remote: false,
        limits: Limits::default(),
    }
}

pub(crate) fn rule(fault: ProxyFault) -> ProxyRule {
    let end = RealClock.boot().after(Duration::from_secs(60));
    let id = RuleId { injection: InjectionId::new(), number: 0 };
    ProxyRule { id, fault, percent: Percent::ALL, seed: 1, deadline: end, lease: end }
}

pub(crate) fn delay(millis: u64, stream: Stream) -> ProxyFault {
    ProxyFault::TcpDelay { latency: ms(millis), jitter: ms(0), stream }
}

pub(crate) fn http_delay(millis: u64) -> ProxyFault {
    let (latency, jitter) = (ms(millis), ms(0));
    ProxyFault::HttpDelay { latency, jitter, side: Side::Request, matching: HttpMatch::default() }
}

pub(crate) fn http_status(status: u16, body: &str) -> ProxyFault {
    ProxyFault::HttpStatus { status, body: body.to_owned(), matching: HttpMatch::default() }
}

/// A fault as the control socket carries it.
pub(crate) fn told(fault: serde_json::Value) -> ProxyFault {
    serde_json::from_value(fault).unwrap()
}

pub(crate) fn ms(millis: u64) -> steadfast_model::Duration {
    steadfast_model::Duration::from_millis(millis)
}

#[expect(clippy::disallowed_methods, reason = "these tests are about real time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Serves every connection with `work`.
pub(crate) async fn server<F>(work: impl Fn(TcpStream) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1024).unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            tokio::spawn(work(socket));
        }
    });
    address
}

/// Sends back what comes.
pub(crate) async fn echo() -> SocketAddr {
    server(|mut socket| async move {
        socket.set_nodelay(true).unwrap();
        let (mut read, mut write) = socket.split();
        // Tests reset connections.
        drop(tokio::io::copy(&mut read, &mut write).await);
        drop(write.shutdown().await);
    })
    .await
}

/// An address nobody listens on.
pub(crate) fn nobody() -> SocketAddr {
    // Not a port that was just free: the kernel may give that to the proxy itself. Port 1 is never given out.
    SocketAddr::from(([127, 0, 0, 1], 1))
}

/// Sends and waits for as many bytes to come back.
pub(crate) async fn ping(socket: &mut TcpStream, bytes: &[u8]) -> io::Result<Vec<u8>> {
    socket.write_all(bytes).await?;
    let mut back = vec![0; bytes.len()];
    socket.read_exact(&mut back).await?;
    Ok(back)
}

/// How the peer ended the connection: `Ok` in order, `Err` with a reset.
pub(crate) async fn end_of(socket: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut rest = Vec::new();
    timeout(Duration::from_secs(5), socket.read_to_end(&mut rest))
        .await
        .expect("the connection stays open")?;
    Ok(rest)
}

#[track_caller]
pub(crate) fn assert_reset<T: std::fmt::Debug>(result: io::Result<T>) {
    let error = result.expect_err("not reset");
    assert!(matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe), "{error}");
}

/// Sends raw bytes, says no more, and returns all that comes back.
pub(crate) async fn raw(address: SocketAddr, request: &str) -> String {
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    String::from_utf8(end_of(&mut socket).await.unwrap()).unwrap()
}

/// Reads one answer with `content-length` (or none) from a connection that stays open.
pub(crate) async fn one_answer(socket: &mut TcpStream) -> io::Result<String> {
    let mut answer = Vec::new();
    loop {
        let head = answer.windows(4).position(|end| end == b"\r\n\r\n");
        if let Some(head) = head {
            let text = String::from_utf8_lossy(&answer[..head]).to_lowercase();
            let length = text.split("content-length:").nth(1).and_then(|rest| rest.split("\r\n").next());
            let length: usize = length.map_or(0, |length| length.trim().parse().unwrap());
            if answer.len() >= head + 4 + length {
                return Ok(String::from_utf8(answer).unwrap());
            }
        }
        let mut byte = [0];
        if timeout(Duration::from_secs(5), socket.read(&mut byte)).await.expect("no answer")? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        answer.push(byte[0]);
    }
}

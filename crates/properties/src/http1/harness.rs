//! A real proxy, a client in front of it and a server behind it, on one thread over loopback.

use std::{
    cell::Cell,
    fs::Permissions,
    io,
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use steadfast_model::{BootTime, Clock, ProcessIdentity, WallTime, proxy::Protocol};
use steadfast_proxy::{Limits, Proxy, ProxyConfig, Tls};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::{Builder, Runtime},
    sync::watch,
    time::timeout,
};

use super::strict::{self, Read};

/// Longer than the proxy waits for anything by itself, apart from the network.
const PATIENCE: Duration = Duration::from_secs(8);
/// First byte of a connection that only asks whether all before it were taken in.
const MARK: u8 = 0;

/// What came out at both ends.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// What reached the server, by connection.
    pub(super) received: Vec<Vec<u8>>,
    /// What came back to the client.
    pub(super) back: Vec<u8>,
}

/// Sends bytes through the proxy to a server, which answers every request with `ok`, or the first one of a connection
/// with `answer`. Panics when that takes too long.
pub(super) fn carry(sent: &[u8], answer: Option<&[u8]>) -> Seen {
    thread_local! {
        static BENCH: Cell<Option<Bench>> = const { Cell::new(None) };
    }
    // One that panics is not put back: what hangs in it would make everything after it hang.
    let bench = BENCH.take().unwrap_or_else(Bench::start);
    let seen = bench.runtime.block_on(bench.carry(sent, answer));
    BENCH.set(Some(bench));
    seen
}

struct Bench {
    runtime: Runtime,
    proxy: SocketAddr,
    server: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    answer: Mutex<Option<Vec<u8>>>,
    received: Mutex<Vec<Vec<u8>>>,
    /// How many connections the server has open.
    open: watch::Sender<usize>,
}

impl Bench {
    fn start() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
        let shared = Arc::<Shared>::default();
        let (proxy, server) = runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
            let server = listener.local_addr().expect("it is bound");
            tokio::spawn(serve(listener, Arc::clone(&shared)));
            (proxy(server).await, server)
        });
        Self { runtime, proxy, server, shared }
    }

    async fn carry(&self, sent: &[u8], answer: Option<&[u8]>) -> Seen {
        *lock(&self.shared.answer) = answer.map(<[u8]>::to_vec);
        let carried = timeout(PATIENCE, async {
            let back = self.exchange(sent).await;
            self.settle().await;
            back
        });
        let back = carried.await.unwrap_or_else(|_| panic!("hangs on {:?}", String::from_utf8_lossy(sent)));
        Seen { received: std::mem::take(&mut lock(&self.shared.received)), back }
    }

    /// Being cut off is as good as being answered.
    async fn exchange(&self, sent: &[u8]) -> Vec<u8> {
        let mut socket = TcpStream::connect(self.proxy).await.expect("the proxy listens");
        let (mut from, mut to) = socket.split();
        let mut back = Vec::new();
        let sending = async {
            drop(to.write_all(sent).await);
            drop(to.shutdown().await);
        };
        let ((), _) = tokio::join!(sending, from.read_to_end(&mut back));
        back
    }

    /// Waits until the server has taken in every connection and all have ended.
    async fn settle(&self) {
        let mut socket = TcpStream::connect(self.server).await.expect("the server listens");
        socket.write_all(&[MARK]).await.expect("the server reads");
        socket.read_exact(&mut [0]).await.expect("the server answers");
        let mut open = self.shared.open.subscribe();
        open.wait_for(|open| *open == 0).await.expect("the server goes on");
    }
}

pub(crate) async fn proxy(upstream: SocketAddr) -> SocketAddr {
    // Nobody speaks to the control socket, so its folder may go at once.
    let folder = tempfile::Builder::new().permissions(Permissions::from_mode(0o700)).tempdir();
    let folder = folder.expect("a temporary folder can be made");
    let config = ProxyConfig {
        name: "fuzzed".to_owned(),
        listen: "127.0.0.1:0".parse().expect("an address"),
        upstream: upstream.to_string(),
        protocol: Protocol::Http,
        control: Some(folder.path().join("control")),
        identity: ProcessIdentity { pid: std::process::id(), start_time: 1, boot_id: "fuzzed".to_owned() },
        tls: Tls::default(),
        allow_remote: false,
        limits: Limits::default(),
    };
    let proxy = Proxy::bind(config, Arc::new(BootClock)).await.expect("the proxy starts");
    let address = proxy.local_addr();
    tokio::spawn(proxy.run(std::future::pending()));
    address
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((socket, _)) = listener.accept().await {
        shared.open.send_modify(|open| *open += 1);
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let mut received = Vec::new();
            // A connection that is reset has received what it has.
            drop(answer(socket, &shared, &mut received).await);
            if received != [MARK] {
                lock(&shared.received).push(received);
            }
            shared.open.send_modify(|open| *open -= 1);
        });
    }
}

async fn answer(mut socket: TcpStream, shared: &Shared, received: &mut Vec<u8>) -> io::Result<()> {
    let told = lock(&shared.answer).clone();
    let (mut at, mut permitted) = (0, false);
    while socket.read_buf(received).await? > 0 {
        if received[..] == [MARK] {
            return socket.write_all(&[MARK]).await;
        }
        if let Some(told) = &told {
            if received.windows(4).any(|end| end == b"\r\n\r\n") {
                socket.write_all(told).await?;
                return socket.shutdown().await;
            }
            continue;
        }
        while let Read::Whole(message, length) = strict::request(&received[at..]) {
            at += length;
            permitted = false;
            // A tunnel would carry whatever comes: that is not HTTP any more.
            let answer: &[u8] = match message.method.as_str() {
                "CONNECT" => b"HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n",
                "HEAD" => b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n",
                _ => b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
            };
            socket.write_all(answer).await?;
        }
        if matches!(strict::request(&received[at..]), Read::Not(_)) {
            // What should never have come is told of by whoever looks at it. Waiting for more would only hang.
            return Ok(());
        }
        if !permitted && received[at..].windows(4).any(|end| end == b"\r\n\r\n") {
            permitted = true;
            socket.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
    }
    Ok(())
}

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
        "fuzzed".to_owned()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

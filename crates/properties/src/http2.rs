//! HTTP/2 as the proxy carries it: whatever a client sends, the server gets frames that a strict reader reads, nothing
//! hangs, and the next client is served.

use std::{
    cell::Cell,
    convert::Infallible,
    error::Error,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use http_body_util::{BodyExt, Empty, Full};
use hyper::{
    Request, Response, Uri,
    body::{Bytes, Incoming},
    client, server,
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::{Builder, Runtime},
    time::timeout,
};

use crate::http1::harness::proxy;

/// What every client begins with.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Longer than the proxy waits for anything by itself, apart from the network.
const PATIENCE: Duration = Duration::from_secs(8);
/// How long a client stays after it has said all: what it asked for may reach the server meanwhile.
const LINGER: Duration = Duration::from_millis(5);

/// Holds for any bytes that a client sends after the preface.
pub fn holds(bytes: &[u8]) {
    thread_local! {
        static BENCH: Cell<Option<Bench>> = const { Cell::new(None) };
    }
    // One that panics is not put back: what hangs in it would make everything after it hang.
    let bench = BENCH.take().unwrap_or_else(Bench::start);
    bench.runtime.block_on(async {
        let carried = timeout(PATIENCE, bench.carry(bytes, LINGER)).await;
        carried.unwrap_or_else(|_| panic!("hangs on {:?}", String::from_utf8_lossy(bytes)));
    });
    let wrong = std::mem::take(&mut *bench.shared.wrong.lock().unwrap_or_else(PoisonError::into_inner));
    assert!(wrong.is_empty(), "the server was sent what it cannot read: {wrong:?}");
    BENCH.set(Some(bench));
}

/// How many requests reach the server of those that a client sends, for a look at the seeds.
#[must_use]
pub fn carried(bytes: &[u8]) -> usize {
    let bench = Bench::start();
    bench.runtime.block_on(bench.carry(bytes, Duration::from_millis(200)));
    // One is the good request at the end.
    bench.shared.served.load(SeqCst) - 1
}

struct Bench {
    runtime: Runtime,
    proxy: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    wrong: Mutex<Vec<String>>,
    served: AtomicUsize,
}

impl Bench {
    fn start() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
        let shared = Arc::<Shared>::default();
        let proxy = runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
            let server = listener.local_addr().expect("it is bound");
            tokio::spawn(listen(listener, Arc::clone(&shared)));
            proxy(server).await
        });
        Self { runtime, proxy, shared }
    }

    /// Sends the bytes, and then asks as a good client does.
    async fn carry(&self, bytes: &[u8], linger: Duration) {
        let mut socket = TcpStream::connect(self.proxy).await.expect("the proxy listens");
        let (mut from, mut to) = socket.split();
        let sending = async {
            // Being cut off is as good as being answered.
            drop(to.write_all(&[PREFACE, bytes].concat()).await);
            tokio::time::sleep(linger).await;
            drop(to.shutdown().await);
        };
        let mut back = Vec::new();
        let ((), _) = tokio::join!(sending, from.read_to_end(&mut back));
        let socket = TcpStream::connect(self.proxy).await.expect("the proxy listens");
        let handshake = client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(socket));
        let (mut sender, driver) = handshake.await.expect("the proxy speaks HTTP/2");
        tokio::spawn(driver);
        let mut request = Request::new(Empty::<Bytes>::new());
        *request.uri_mut() = Uri::from_static("http://localhost/good");
        let answer = sender.send_request(request).await.expect("a good request is answered");
        let body = answer.into_body().collect().await.expect("the answer is whole");
        assert_eq!(body.to_bytes(), "ok");
    }
}

async fn listen(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((socket, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let asked = Arc::clone(&shared);
            let service = service_fn(move |request| answer(request, Arc::clone(&asked)));
            let builder = server::conn::http2::Builder::new(TokioExecutor::new());
            let served = builder.serve_connection(TokioIo::new(socket), service).await;
            if let Err(error) = served
                && let Some(cause) = wrong(&error)
            {
                shared.wrong.lock().unwrap_or_else(PoisonError::into_inner).push(cause);
            }
        });
    }
}

/// A body that does not come whole is the client's affair.
async fn answer(
    request: Request<Incoming>,
    shared: Arc<Shared>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    shared.served.fetch_add(1, SeqCst);
    drop(request.into_body().collect().await);
    Ok(Response::new(Full::from("ok")))
}

/// What the server, as the reader, found wrong with the frames. A connection that ends is not wrong.
fn wrong(error: &hyper::Error) -> Option<String> {
    let cause = error.source()?.downcast_ref::<h2::Error>()?;
    (cause.is_library() && cause.is_go_away()).then(|| cause.to_string())
}

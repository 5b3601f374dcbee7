//! A tiny HTTP service: well-behaved, slow, hanging, and with metrics of every sort.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

#[derive(Default)]
struct Shared {
    served: AtomicU64,
    looks: AtomicU64,
    ended: AtomicBool,
    connections: Mutex<Vec<TcpStream>>,
}

/// Answers on a port of its own until it is ended.
pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    listening: Option<JoinHandle<()>>,
}

impl Service {
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let of_listener = shared.clone();
        let listening = Some(thread::spawn(move || listen(&listener, &of_listener)));
        Self { address, shared, listening }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// How many requests to `/` were answered.
    pub(crate) fn served(&self) -> u64 {
        self.shared.served.load(Ordering::Relaxed)
    }

    /// Closes everything, like a process that dies.
    pub(crate) fn die(&mut self) {
        let Some(listening) = self.listening.take() else { return };
        self.shared.ended.store(true, Ordering::Relaxed);
        // The listener sees the end when somebody comes.
        drop(TcpStream::connect(self.address));
        listening.join().unwrap();
        for connection in self.shared.connections.lock().unwrap().drain(..) {
            drop(connection.shutdown(std::net::Shutdown::Both));
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.die();
    }
}

fn listen(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.ended.load(Ordering::Relaxed) {
            return;
        }
        let Ok(stream) = stream else { continue };
        shared.connections.lock().unwrap().push(stream.try_clone().unwrap());
        let shared = shared.clone();
        thread::spawn(move || serve(stream, &shared));
    }
}

/// Answers requests until the other side closes.
fn serve(stream: TcpStream, shared: &Shared) {
    let mut writer = stream.try_clone().unwrap();
    let mut lines = BufReader::new(stream).lines();
    while let Some(Ok(first)) = lines.next() {
        while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
        let path = first.split_whitespace().nth(1).unwrap_or("/").to_owned();
        let (kind, body) = answer(&path, shared);
        let length = body.len();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n");
        if writer.write_all((head + &body).as_bytes()).is_err() {
            return;
        }
    }
}

fn answer(path: &str, shared: &Shared) -> (&'static str, String) {
    let page = |total: &str| {
        let page = format!(
            "# TYPE http_requests_total counter\nhttp_requests_total{{code=\"200\"}} {total}\nhttp_requests_total{{code=\"500\"}} 0\n"
        );
        ("text/plain; version=0.0.4", page)
    };
    match path {
        "/hang" => {
            thread::sleep(Duration::from_secs(20));
            ("text/plain", "at last".to_owned())
        }
        "/slow" => {
            thread::sleep(Duration::from_millis(300));
            ("text/plain", "slow".to_owned())
        }
        "/html" => ("text/html", "<!doctype html><html><body><h1>Welcome</h1></body></html>\n".to_owned()),
        "/metrics" => page(&shared.served.load(Ordering::Relaxed).to_string()),
        "/nan-metrics" => page("NaN"),
        "/still-metrics" => page("42"),
        // Starts from nothing again and again, like a process that is restarted.
        "/resetting-metrics" => page(&(shared.looks.fetch_add(1, Ordering::Relaxed) % 4 * 100).to_string()),
        _ => {
            shared.served.fetch_add(1, Ordering::Relaxed);
            ("text/plain", "ok".to_owned())
        }
    }
}

/// Asks once: status and how long it took; `None` when there is no answer.
pub(crate) fn get(address: SocketAddr, path: &str) -> Option<(u16, Duration)> {
    let begun = Instant::now();
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(2)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n").ok()?;
    let mut head = [0; 12];
    stream.read_exact(&mut head).ok()?;
    let status = String::from_utf8_lossy(&head[9..]).parse().ok()?;
    Some((status, begun.elapsed()))
}

/// Asks once and reads until the connection ends: what came, and how long it took.
pub(crate) fn whole(address: SocketAddr) -> (String, Duration) {
    let begun = Instant::now();
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(2)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    write!(stream, "GET / HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    (String::from_utf8(answer).unwrap(), begun.elapsed())
}

/// The quickest of some answers that are all 200: a busy machine may delay one, a fault delays every one.
#[track_caller]
pub(crate) fn quickest(address: SocketAddr) -> Duration {
    let times = (0..8).map(|_| {
        let (status, took) = get(address, "/").unwrap();
        assert_eq!(status, 200);
        took
    });
    times.min().unwrap()
}

//! Servers behind the proxies, and clients before them.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use crate::support::PATIENCE;

/// Serves every connection with `work`, each in a thread of its own.
pub(crate) fn server(work: impl Fn(TcpStream) -> io::Result<()> + Clone + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for socket in listener.incoming() {
            let (socket, work) = (socket.unwrap(), work.clone());
            socket.set_nodelay(true).unwrap();
            // Tests cut connections.
            thread::spawn(move || drop(work(socket)));
        }
    });
    address
}

/// Sends back what comes.
pub(crate) fn echo() -> SocketAddr {
    server(|mut socket| {
        let mut back = socket.try_clone()?;
        io::copy(&mut socket, &mut back).map(drop)
    })
}

/// Sends so many bytes to whoever says something, and ends.
pub(crate) fn giver(bytes: usize) -> SocketAddr {
    server(move |mut socket| {
        socket.read_exact(&mut [0])?;
        socket.write_all(&vec![b'g'; bytes])
    })
}

/// Reads everything, answers nothing, and tells what each connection sent, and whether it ended in good order.
pub(crate) fn taker() -> (SocketAddr, Receiver<(Vec<u8>, bool)>) {
    let (tell, told) = channel();
    let address = server(move |mut socket| {
        let mut got = Vec::new();
        let ended = socket.read_to_end(&mut got);
        drop(tell.send((got, ended.is_ok())));
        Ok(())
    });
    (address, told)
}

pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let socket = TcpStream::connect(address).unwrap();
    socket.set_nodelay(true).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// Sends, and waits for as many bytes to come back. How long that took.
pub(crate) fn ping(socket: &mut TcpStream, bytes: &[u8]) -> Duration {
    let begun = Instant::now();
    socket.write_all(bytes).unwrap();
    let mut back = vec![0; bytes.len()];
    socket.read_exact(&mut back).unwrap();
    assert_eq!(back, bytes);
    begun.elapsed()
}

/// Whether nothing comes for so long, while the connection stays.
pub(crate) fn is_silent(socket: &mut TcpStream, millis: u64) -> bool {
    socket.set_read_timeout(Some(Duration::from_millis(millis))).unwrap();
    let silent = socket.read(&mut [0]).is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock);
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    silent
}

/// Waits for the end of a connection, in whatever way it ends.
pub(crate) fn ends(socket: &mut TcpStream) {
    drop(rest(socket));
}

/// What still comes, how the connection ends, and after how long.
pub(crate) fn rest(socket: &mut TcpStream) -> (Vec<u8>, io::Result<()>, Duration) {
    let begun = Instant::now();
    let mut got = Vec::new();
    let ended = socket.read_to_end(&mut got).map(drop);
    if let Err(error) = &ended {
        assert_ne!(error.kind(), io::ErrorKind::WouldBlock, "the connection stays open");
    }
    (got, ended, begun.elapsed())
}

#[track_caller]
pub(crate) fn assert_reset(ended: &io::Result<()>) {
    let error = ended.as_ref().expect_err("not reset");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
}

/// From this many milliseconds on, and not much more.
#[track_caller]
pub(crate) fn assert_took(took: Duration, millis: u64) {
    let expected = Duration::from_millis(millis);
    // What is measured here may begin a moment after what is timed there.
    let range = expected.saturating_sub(Duration::from_millis(5))..expected + Duration::from_millis(600);
    assert!(range.contains(&took), "{took:?}, not about {expected:?}");
}

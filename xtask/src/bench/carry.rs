//! A server and its client: round trips and long streams over one connection.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};

/// Bytes of a request, and of its answer.
const MESSAGE: usize = 64;
/// Bytes written or read at once.
const BLOCK: usize = 128 * 1024;

/// First byte of a connection: what it is for.
const ECHO: u8 = b'e';
const SINK: u8 = b's';

/// A server for both kinds of connections. Its threads end with this process.
pub(super) fn serve() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A connection that fails ends; its client notices.
            thread::spawn(move || drop(answer(stream)));
        }
    });
    Ok(address)
}

fn answer(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut kind = [0];
    stream.read_exact(&mut kind)?;
    if kind[0] == ECHO {
        let mut message = [0; MESSAGE];
        loop {
            stream.read_exact(&mut message)?;
            stream.write_all(&message)?;
        }
    }
    let mut wanted = [0; 8];
    stream.read_exact(&mut wanted)?;
    let mut left = u64::from_le_bytes(wanted);
    let mut block = vec![0; BLOCK];
    while left > 0 {
        match stream.read(&mut block)? {
            0 => return Ok(()),
            count => left = left.saturating_sub(count as u64),
        }
    }
    stream.write_all(b"k")
}

/// A client that sends a request when the last was answered.
pub(super) struct Caller(TcpStream);

impl Caller {
    pub(super) fn connect(address: SocketAddr) -> Result<Self> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.write_all(&[ECHO])?;
        let mut caller = Self(stream);
        caller.round_trips(100)?;
        Ok(caller)
    }

    /// How long each of so many took.
    #[expect(clippy::disallowed_methods, reason = "a measurement of real time")]
    pub(super) fn round_trips(&mut self, count: usize) -> Result<Vec<Duration>> {
        let mut took = Vec::with_capacity(count);
        let (request, mut answer) = ([7; MESSAGE], [0; MESSAGE]);
        for _ in 0..count {
            let begun = Instant::now();
            self.0.write_all(&request)?;
            self.0.read_exact(&mut answer)?;
            took.push(begun.elapsed());
        }
        ensure!(answer == request, "another answer than was sent");
        Ok(took)
    }
}

/// Sends so many bytes over one connection; how long it took until the last was read.
#[expect(clippy::disallowed_methods, reason = "a measurement of real time")]
pub(super) fn stream(address: SocketAddr, bytes: u64) -> Result<Duration> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(&[SINK])?;
    stream.write_all(&bytes.to_le_bytes())?;
    let block = vec![7; BLOCK];
    let begun = Instant::now();
    let mut left = bytes;
    while left > 0 {
        let size = left.min(BLOCK as u64);
        stream.write_all(&block[..usize::try_from(size)?])?;
        left -= size;
    }
    stream.read_exact(&mut [0])?;
    Ok(begun.elapsed())
}

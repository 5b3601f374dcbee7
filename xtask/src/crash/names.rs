//! A DNS server that says one thing, and whoever asks it.

use std::{
    net::{SocketAddr, UdpSocket},
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use super::scene::DELAY;

/// A question for the IPv4 address of `db.shop`.
const QUESTION: &[u8] = b"\x5f\xa5\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x02db\x04shop\x00\x00\x01\x00\x01";
/// The server's answer to that: an address in place of nothing.
const ANSWER: &[u8] = b"\x5f\xa5\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00\x02db\x04shop\x00\x00\x01\x00\x01\
\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x00\x00\x04\x0a\x63\x00\x01";
const PATIENCE: Duration = Duration::from_millis(500);

/// Answers until it is to stop.
pub(super) fn serve(socket: &UdpSocket, stop: &AtomicBool) {
    drop(socket.set_read_timeout(Some(Duration::from_millis(50))));
    while !stop.load(Ordering::SeqCst) {
        if let Ok((_, client)) = socket.recv_from(&mut [0; 512]) {
            drop(socket.send_to(ANSWER, client));
        }
    }
}

/// Whether the server's own answer comes, faster than any of the faults would let it.
#[expect(clippy::disallowed_methods, reason = "measures a real exchange")]
pub(super) fn is_undisturbed(server: &str) -> bool {
    let begun = Instant::now();
    ask(server).is_ok_and(|answer| answer == ANSWER) && begun.elapsed() < DELAY
}

/// What is answered.
pub(super) fn ask(server: &str) -> std::io::Result<Vec<u8>> {
    let server: SocketAddr = server.parse().map_err(std::io::Error::other)?;
    let socket = UdpSocket::bind(("0.0.0.0", 0))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.connect(server)?;
    socket.send(QUESTION)?;
    let mut answer = vec![0; 512];
    let length = socket.recv(&mut answer)?;
    answer.truncate(length);
    Ok(answer)
}

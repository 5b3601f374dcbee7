//! Questions by UDP: one packet each.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use steadfast_linux::network::pass_diversion;
use steadfast_model::network::Transport;
use steadfast_names::message::Carrier;
use tokio::net::UdpSocket;

use super::{LOOK, Service, meeting::Meeting};

/// How long a server may take. Connection tracking forgets who asked after 30 seconds.
const PATIENCE: Duration = Duration::from_secs(9);
/// The longest packet.
const LONGEST: usize = 65_535;

/// Meets what comes to this socket.
pub(super) async fn serve(service: Arc<Service>, socket: UdpSocket) {
    let (socket, mut buffer) = (Arc::new(socket), vec![0; LONGEST]);
    loop {
        let Ok((length, client)) = socket.recv_from(&mut buffer).await else {
            tokio::time::sleep(LOOK).await;
            continue;
        };
        let question = &buffer[..length];
        let latency = match service.meetings.meet(question, Carrier::Udp) {
            Meeting::SendOn => None,
            Meeting::Hold(latency) => Some(latency),
            Meeting::Answer(answer) => {
                // Who asked may be gone.
                drop(socket.send_to(&answer, client).await);
                continue;
            }
            Meeting::Silence => continue,
        };
        let Ok(permit) = service.questions.clone().acquire_owned().await else { return };
        let (service, socket, question) = (service.clone(), socket.clone(), question.to_vec());
        tokio::spawn(async move {
            // A server that does not answer, or is not there, is one that does not answer.
            drop(pass_on(&service, &socket, question, client, latency).await);
            drop(permit);
        });
    }
}

/// Asks whom the client meant to ask, and gives the answer to the client, both untouched.
async fn pass_on(
    service: &Service,
    ours: &UdpSocket,
    question: Vec<u8>,
    client: SocketAddr,
    latency: Option<Duration>,
) -> io::Result<()> {
    // Before it is held: what is old is forgotten.
    let server = service.origin(Transport::Udp, client, ours.local_addr()?)?;
    if let Some(latency) = latency {
        service.hold(latency).await;
    }
    let answer = tokio::time::timeout(PATIENCE, async {
        let _permit = service.sent_on.acquire().await;
        ask(&question, client.ip(), server).await
    });
    ours.send_to(&answer.await??, client).await.map(drop)
}

async fn ask(question: &[u8], client: IpAddr, server: SocketAddr) -> io::Result<Vec<u8>> {
    let any: IpAddr = match server {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    // From the client's address, as some servers answer by who asks.
    let socket = match UdpSocket::bind((client, 0)).await {
        Ok(socket) => socket,
        Err(_) => UdpSocket::bind((any, 0)).await?,
    };
    pass_diversion(&socket)?;
    socket.connect(server).await?;
    socket.send(question).await?;
    let mut buffer = vec![0; LONGEST];
    let number = question.get(..2).unwrap_or(question);
    loop {
        let length = socket.recv(&mut buffer).await?;
        if buffer[..length].starts_with(number) {
            buffer.truncate(length);
            return Ok(buffer);
        }
    }
}

//! Questions by TCP: each after its length, any number on one connection.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use steadfast_linux::network::pass_diversion;
use steadfast_model::network::Transport;
use steadfast_names::message::Carrier;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream, tcp::OwnedWriteHalf},
    sync::{Mutex, mpsc},
    time::timeout,
};

use super::{LOOK, Service, meeting::Meeting};

/// So long a client may say nothing, and a server may take to accept.
const PATIENCE: Duration = Duration::from_secs(30);
/// So many questions wait for the server to take them.
const WAITING: usize = 16;

/// Serves who connects.
pub(super) async fn serve(service: Arc<Service>, listener: TcpListener) {
    while let Ok(permit) = service.conversations.clone().acquire_owned().await {
        let Ok((stream, client)) = listener.accept().await else {
            tokio::time::sleep(LOOK).await;
            continue;
        };
        let service = service.clone();
        tokio::spawn(async move {
            // Whatever ends it is told to the client by the end of the connection.
            drop(converse(&service, stream, client).await);
            drop(permit);
        });
    }
}

async fn converse(service: &Arc<Service>, stream: TcpStream, client: SocketAddr) -> io::Result<()> {
    let server = service.origin(Transport::Tcp, client, stream.local_addr()?)?;
    let (mut questions, answers) = stream.into_split();
    let answers = Mutex::new(answers);
    let (send_on, to_send_on) = mpsc::channel(WAITING);
    let asking = async {
        // Owned, so that the other side learns when nothing more will come.
        let send_on = send_on;
        while let Some(question) = timeout(PATIENCE, read(&mut questions)).await?? {
            match service.meetings.meet(&question, Carrier::Tcp) {
                Meeting::Answer(answer) => write(&mut *answers.lock().await, &answer).await?,
                Meeting::Silence => {}
                Meeting::SendOn => {
                    if send_on.send(question).await.is_err() {
                        // The server has hung up.
                        break;
                    }
                }
                Meeting::Hold(latency) => {
                    let permit = service.questions.clone().acquire_owned().await;
                    let (service, send_on) = (service.clone(), send_on.clone());
                    tokio::spawn(async move {
                        service.hold(latency).await;
                        drop(send_on.send(question).await);
                        drop(permit);
                    });
                }
            }
        }
        Ok(())
    };
    tokio::try_join!(asking, relay(client.ip(), server, to_send_on, &answers)).map(drop)
}

/// Asks the server what comes, over one connection, which is not made before there is something to ask.
async fn relay(
    client: IpAddr,
    server: SocketAddr,
    mut to_send_on: mpsc::Receiver<Vec<u8>>,
    answers: &Mutex<OwnedWriteHalf>,
) -> io::Result<()> {
    let Some(first) = to_send_on.recv().await else { return Ok(()) };
    let (mut from_server, mut to_server) = timeout(PATIENCE, connect(client, server)).await??.into_split();
    let asking = async {
        write(&mut to_server, &first).await?;
        while let Some(question) = to_send_on.recv().await {
            write(&mut to_server, &question).await?;
        }
        to_server.shutdown().await
    };
    let answering = async {
        while let Some(answer) = read(&mut from_server).await? {
            write(&mut *answers.lock().await, &answer).await?;
        }
        answers.lock().await.shutdown().await
    };
    tokio::try_join!(asking, answering).map(drop)
}

async fn connect(client: IpAddr, server: SocketAddr) -> io::Result<TcpStream> {
    let socket = if server.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    pass_diversion(&socket)?;
    // From the client's address, as some servers answer by who asks; any other will do.
    drop(socket.bind(SocketAddr::new(client, 0)));
    socket.connect(server).await
}

/// The next message; `None` when there are no more.
async fn read(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Vec<u8>>> {
    let length = match from.read_u16().await {
        Ok(length) => length,
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut message = vec![0; usize::from(length)];
    from.read_exact(&mut message).await?;
    Ok(Some(message))
}

/// A message with its length before it, in one piece: some clients expect both in one.
async fn write(to: &mut (impl AsyncWrite + Unpin), message: &[u8]) -> io::Result<()> {
    let length = u16::try_from(message.len()).map_err(io::Error::other)?;
    to.write_all(&[&length.to_be_bytes(), message].concat()).await
}

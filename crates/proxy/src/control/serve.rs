//! Listens to those who may give orders.

use std::{io, sync::Arc, time::Duration};

use steadfast_model::proxy::{ProxyAnswer, ProxyRequest};
use tokio::{
    io::{AsyncWriteExt, BufReader},
    net::UnixStream,
    sync::Notify,
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{
    LONGEST_LINE,
    line::{Line, read_line},
    socket::ControlSocket,
};
use crate::hub::Hub;

/// How long a client may take to take an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Obeys until told to shut down.
pub(crate) async fn serve(hub: Arc<Hub>, socket: &ControlSocket) {
    let stop = Arc::new(Notify::new());
    let mut clients = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.notified() => return,
            Some(_) = clients.join_next() => {}
            accepted = socket.accept() => match accepted {
                Ok(client) if clients.len() < hub.config.limits.control => {
                    let (hub, stop) = (Arc::clone(&hub), Arc::clone(&stop));
                    clients.spawn(async move {
                        // A client that went away is its own affair.
                        drop(converse(&hub, client, &stop).await);
                    });
                }
                Ok(too_many) => drop(too_many),
                Err(_) => sleep(Duration::from_millis(20)).await,
            },
        }
    }
}

async fn converse(hub: &Hub, client: UnixStream, stop: &Notify) -> io::Result<()> {
    let mut client = BufReader::new(client);
    if let Err(message) = check_peer(client.get_ref()) {
        return say(&mut client, &ProxyAnswer::Refused { message }).await;
    }
    let mut line = Vec::new();
    loop {
        let request = match read_line(&mut client, &mut line).await? {
            Line::End => return Ok(()),
            Line::TooLong => Err(format!("read a line of more than {LONGEST_LINE} bytes")),
            Line::Whole => serde_json::from_slice::<ProxyRequest>(&line)
                .map_err(|error| format!("understand this line: {error}")),
        };
        let ends = matches!(request, Ok(ProxyRequest::Shutdown {}));
        let answer =
            request.map_or_else(|message| ProxyAnswer::Refused { message }, |request| hub.obey(request));
        let said = say(&mut client, &answer).await;
        if ends {
            stop.notify_one();
        }
        said?;
    }
}

async fn say(client: &mut BufReader<UnixStream>, answer: &ProxyAnswer) -> io::Result<()> {
    let mut line = serde_json::to_vec(answer)?;
    line.push(b'\n');
    timeout(PATIENCE, client.write_all(&line)).await.map_err(|_| io::ErrorKind::TimedOut)?
}

fn check_peer(client: &UnixStream) -> Result<(), String> {
    let own = rustix::process::geteuid().as_raw();
    match client.peer_cred() {
        Ok(peer) if peer.uid() == 0 || peer.uid() == own => Ok(()),
        Ok(peer) => Err(format!("obey user {}: only user {own} and root may control this proxy", peer.uid())),
        Err(error) => Err(format!("find out who is asking: {error}")),
    }
}

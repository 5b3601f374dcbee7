//! Accepts clients.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use steadfast_model::proxy::Protocol;
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    task::JoinSet,
};

use crate::{ProxyError, connection::Connection, http, hub::Hub, relay::relay, tls, wire::Wire};

/// Clients that may wait to be accepted. The kernel may allow fewer.
const BACKLOG: u32 = 4096;
/// How long to wait when the kernel has no descriptor left.
const NO_DESCRIPTOR: Duration = Duration::from_millis(20);

/// The data socket.
pub(crate) async fn bind(address: SocketAddr, allow_remote: bool) -> Result<TcpListener, ProxyError> {
    if !address.ip().is_loopback() && !allow_remote {
        return Err(ProxyError::Remote { address });
    }
    listen_on(address).map_err(|source| ProxyError::Listen { address, source })
}

fn listen_on(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A proxy started again must not wait for the connections of the one before to be forgotten.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Takes in clients for ever. Dropping it ends every connection.
pub(crate) async fn listen(hub: Arc<Hub>, listener: TcpListener) -> Result<(), ProxyError> {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        match accepted {
            Ok((socket, _)) => match hub.admit() {
                Some(connection) => {
                    connections.spawn(serve(connection, socket));
                }
                // One too many. Fails on a socket that is dead anyway.
                None => drop(socket.set_zero_linger()),
            },
            // A client that left before it was accepted, or no descriptor: neither is a reason to stop.
            Err(_) => tokio::time::sleep(NO_DESCRIPTOR).await,
        }
    }
}

async fn serve(connection: Arc<Connection>, socket: TcpStream) {
    let _leaving = Leaving(Arc::clone(&connection));
    // Fails on a socket that is dead anyway; reading then tells.
    drop(socket.set_nodelay(true));
    let wire = Wire::new(socket, Arc::clone(&connection));
    match connection.hub.config.protocol {
        Protocol::Tcp if connection.hub.keys.is_any() => {
            connection.supervise(tls::relay(Arc::clone(&connection), wire)).await;
        }
        Protocol::Tcp => connection.supervise(relay(Arc::clone(&connection), wire)).await,
        Protocol::Http => connection.supervise(http::serve(Arc::clone(&connection), wire)).await,
    }
}

/// Forgets the connection also when its task is dropped or panics.
struct Leaving(Arc<Connection>);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.hub.dismiss(&self.0);
    }
}

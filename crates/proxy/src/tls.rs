//! TLS, where a proxy ends it: with its clients, by a certificate it was given, and with the server.
//!
//! Without either it speaks none, and carries what its clients and the server speak with each other unread.

use std::{io, path::PathBuf, sync::Arc};

use rustls::{ServerConfig, pki_types::ServerName, server::Acceptor};
use tokio::time::timeout;
use tokio_rustls::{LazyConfigAcceptor, StartHandshake, TlsConnector, TlsStream};

use crate::{
    ProxyConfig, ProxyError,
    connection::Connection,
    http::Speaks,
    tls::{files::identity, stream::Perhaps},
    upstream::Upstream,
    wire::Wire,
};

mod files;
mod stream;

/// How a proxy speaks TLS; by default not at all.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    /// With clients: who it says it is.
    pub identity: Option<Identity>,
    /// With the server: whom it believes.
    pub upstream: Option<Trust>,
}

/// Files in PEM that say who a proxy is.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Its certificate, and those between it and one that clients trust.
    pub certificate: PathBuf,
    /// The key of the first of them. Only its owner may read the file.
    pub key: PathBuf,
}

/// Which server is believed to be the one.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// Certificates in PEM that vouch for servers; those that this machine trusts when left out.
    pub authorities: Option<PathBuf>,
    /// The name that the server's certificate must have; the host of the upstream when left out.
    pub name: Option<String>,
}

/// A client, with or without TLS.
pub(crate) type Client = Perhaps<Wire>;
/// The server, with or without TLS.
pub(crate) type Server = Perhaps<Upstream>;

/// What the files held.
#[derive(Default)]
pub(crate) struct Keys {
    clients: Option<Clients>,
    upstream: Option<(TlsConnector, ServerName<'static>)>,
}

/// One configuration for everything that may be agreed on. They share what sessions are resumed by.
struct Clients {
    nothing: Arc<ServerConfig>,
    http1: Arc<ServerConfig>,
    http2: Arc<ServerConfig>,
}

impl Keys {
    /// Reads the files.
    pub(crate) fn read(config: &ProxyConfig) -> Result<Self, ProxyError> {
        let clients = match &config.tls.identity {
            Some(files) => {
                let config = identity(files)?;
                let agreeing = |speaks| {
                    let mut config = config.clone();
                    config.alpn_protocols = vec![alpn(speaks)];
                    Arc::new(config)
                };
                let (http1, http2) = (agreeing(Speaks::Http1), agreeing(Speaks::Http2));
                Some(Clients { nothing: Arc::new(config), http1, http2 })
            }
            None => None,
        };
        let upstream = config.tls.upstream.as_ref();
        Ok(Self {
            clients,
            upstream: upstream.map(|trust| files::trust(trust, &config.upstream)).transpose()?,
        })
    }

    /// Whether it speaks TLS with anybody.
    pub(crate) fn is_any(&self) -> bool {
        self.clients.is_some() || self.upstream.is_some()
    }
}

/// How ALPN calls it: RFC 7301, section 6, and RFC 9113, section 3.2.
fn alpn(speaks: Speaks) -> Vec<u8> {
    match speaks {
        Speaks::Http2 => b"h2".to_vec(),
        Speaks::Http1 | Speaks::Tls => b"http/1.1".to_vec(),
    }
}

/// What came of greeting a client.
pub(crate) struct Greeted {
    pub(crate) client: Client,
    /// The version of HTTP that was agreed on.
    pub(crate) speaks: Option<Speaks>,
    /// The connection to the server that was needed to agree.
    pub(crate) server: Option<Server>,
}

/// Agrees with a client on TLS if clients are to speak it, and on a version of HTTP: one that the server speaks, which is
/// asked first when TLS is spoken with it as well. `None` for a client that does not agree, or takes too long.
pub(crate) async fn greet(connection: &Arc<Connection>, wire: Wire, is_http: bool) -> Option<Greeted> {
    let hub = &connection.hub;
    let Some(clients) = &hub.keys.clients else {
        return Some(Greeted { client: Perhaps::Plain(wire), speaks: None, server: None });
    };
    let limit = hub.config.limits.head;
    let begun = timeout(limit, LazyConfigAcceptor::new(Acceptor::default(), wire)).await.ok()?.ok()?;
    let offered = if is_http { offered(&begun) } else { Vec::new() };
    let (speaks, server) = agree(connection, &offered).await;
    let config = match speaks {
        Some(Speaks::Http2) => &clients.http2,
        Some(_) => &clients.http1,
        None => &clients.nothing,
    };
    let stream = timeout(limit, begun.into_stream(Arc::clone(config))).await.ok()?.ok()?;
    Some(Greeted { client: Perhaps::Tls(Box::new(TlsStream::Server(stream))), speaks, server })
}

/// The versions of HTTP that a client speaks.
fn offered(begun: &StartHandshake<Wire>) -> Vec<Speaks> {
    let known = |name: &[u8]| [Speaks::Http2, Speaks::Http1].into_iter().find(|speaks| alpn(*speaks) == name);
    begun.client_hello().alpn().into_iter().flatten().filter_map(known).collect()
}

/// The version of HTTP to speak with client and server. Of a server without TLS nobody can know what it speaks before it
/// is spoken to: then HTTP/2 is for clients that speak nothing else, as those of gRPC.
async fn agree(connection: &Arc<Connection>, offered: &[Speaks]) -> (Option<Speaks>, Option<Server>) {
    if connection.hub.keys.upstream.is_none() || offered.is_empty() {
        let speaks = if offered.contains(&Speaks::Http1) { Some(&Speaks::Http1) } else { offered.first() };
        return (speaks.copied(), None);
    }
    match Server::connect(connection, offered).await {
        Ok(server) => {
            let speaks = server.agreed().unwrap_or(Speaks::Http1);
            (offered.contains(&speaks).then_some(speaks), Some(server))
        }
        // The first request tells why.
        Err(_) => (offered.first().copied(), None),
    }
}

impl Server {
    /// Connects to the server, and agrees on one of these versions of HTTP if TLS is spoken with it.
    pub(crate) async fn connect(connection: &Arc<Connection>, speaks: &[Speaks]) -> io::Result<Self> {
        let upstream = Upstream::connect(connection).await?;
        let Some((connector, name)) = &connection.hub.keys.upstream else {
            return Ok(Self::Plain(upstream));
        };
        let offer = speaks.iter().map(|speaks| alpn(*speaks)).collect();
        let agreeing = connector.with_alpn(offer).connect(name.clone(), upstream);
        let stream = timeout(connection.hub.config.limits.connect, agreeing)
            .await
            .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "TLS was not agreed on in time"))??;
        let server = Self::Tls(Box::new(TlsStream::Client(stream)));
        if speaks == [Speaks::Http2] && server.agreed() != Some(Speaks::Http2) {
            return Err(io::Error::other("it does not speak HTTP/2"));
        }
        Ok(server)
    }

    /// The version of HTTP that was agreed on.
    fn agreed(&self) -> Option<Speaks> {
        let Self::Tls(stream) = self else { return None };
        let name = stream.get_ref().1.alpn_protocol()?;
        [Speaks::Http2, Speaks::Http1].into_iter().find(|speaks| alpn(*speaks) == name)
    }
}

/// Carries bytes between a client and the server unread, with TLS on one side or both.
pub(crate) async fn relay(connection: Arc<Connection>, wire: Wire) {
    let Some(Greeted { mut client, .. }) = greet(&connection, wire, false).await else { return };
    match Server::connect(&connection, &[]).await {
        // An end that was no good one was noted where it was seen.
        Ok(mut server) => drop(tokio::io::copy_bidirectional(&mut client, &mut server).await),
        Err(_) => connection.reset(),
    }
}

//! Opens a connection to where a request goes.

use http::{HeaderValue, Uri, uri::Scheme};
use http_body_util::Full;
use hyper::{
    body::Bytes,
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;

use super::{error::ExchangeError, tls::Tls};

/// An open connection: takes one request at a time.
pub(super) type Connection = SendRequest<Full<Bytes>>;

/// Bytes there and back.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + 'static> Stream for T {}

/// Where a request goes.
pub(super) struct Origin {
    host: String,
    port: u16,
    /// As the `host` header says it.
    pub(super) authority: HeaderValue,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl Origin {
    /// Where this address leads.
    ///
    /// # Errors
    /// When it is `https` and TLS cannot be used.
    pub(super) fn of(uri: &Uri, tls: &Tls) -> Result<Self, String> {
        let authority = uri.authority().ok_or("there is no host in the address")?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let secure = uri.scheme() == Some(&Scheme::HTTPS);
        let port = authority.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let tls = if secure {
            let name =
                ServerName::try_from(host.clone()).map_err(|_| format!("`{host}` is no name of a server"))?;
            Some((tls.connector()?, name))
        } else {
            None
        };
        let authority =
            HeaderValue::from_str(authority.as_str()).map_err(|_| "the host cannot be sent".to_owned())?;
        Ok(Self { host, port, authority, tls })
    }

    /// Opens a connection that speaks HTTP, without a time limit of its own.
    pub(super) async fn connect(&self) -> Result<Connection, ExchangeError> {
        handshake(self.open().await?).await
    }

    /// Opens a connection, without a time limit of its own.
    pub(super) async fn open(&self) -> Result<Box<dyn Stream>, ExchangeError> {
        let stream = steadfast_names::connect(&self.host, self.port)
            .await
            .map_err(|error| ExchangeError::of_io(&error))?;
        stream.set_nodelay(true).map_err(|error| ExchangeError::of_io(&error))?;
        let Some((connector, name)) = &self.tls else { return Ok(Box::new(stream)) };
        let stream =
            connector.connect(name.clone(), stream).await.map_err(|error| {
                match ExchangeError::of_io(&error) {
                    ExchangeError::Theirs(cause) => ExchangeError::Theirs(format!("TLS: {cause}")),
                    ours @ ExchangeError::Ours(_) => ours,
                }
            })?;
        Ok(Box::new(stream))
    }
}

async fn handshake(stream: impl Stream) -> Result<Connection, ExchangeError> {
    let (sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| ExchangeError::of_hyper(&error))?;
    // Ends when the sender is dropped or the other side closes; whoever waits for an answer gets the error.
    tokio::spawn(connection);
    Ok(sender)
}

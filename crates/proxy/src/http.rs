//! Speaks HTTP with a client and with the server behind the proxy, in the version that the client begins with: one
//! upstream connection for one client connection, opened with the first request that needs it, ended when either ends.

use std::{error::Error, future::Future, sync::Arc};

use hyper::{Request, Response, body::Incoming};

pub(crate) use self::opening::Speaks;
use self::{answer::Answer, current::Current, payload::Payload, source::Source};
use crate::{
    connection::Connection,
    relay::relay,
    tls::{self, Client, Greeted},
    wire::Wire,
};

mod answer;
mod body;
mod current;
mod exchange;
mod faults;
mod grpc;
mod http1;
mod http2;
mod opening;
mod payload;
mod source;

/// The most bytes a head may have: request line and headers. A larger one is answered with 431.
const LARGEST_HEAD: usize = 64 * 1024;

/// Serves one client until either side ends.
pub(crate) async fn serve(connection: Arc<Connection>, wire: Wire) {
    let Some(Greeted { client, speaks: agreed, server }) = tls::greet(&connection, wire, true).await else {
        return;
    };
    let is_tls = matches!(client, Client::Tls(_));
    // A client that said nothing, or not enough in time, is not told anything either.
    let Some((speaks, client)) = opening::read(&connection, client).await else { return };
    match speaks {
        Speaks::Tls if !is_tls => {
            connection.hub.cannot_read();
            relay(connection, client).await;
        }
        Speaks::Http2 => {
            let server = server.filter(|_| agreed == Some(Speaks::Http2));
            let source = Source::new(Arc::clone(&connection), Speaks::Http2, server);
            http2::serve(connection, source, client).await;
        }
        Speaks::Http1 | Speaks::Tls => {
            let server = server.filter(|_| agreed == Some(Speaks::Http1));
            let source = Source::new(Arc::clone(&connection), Speaks::Http1, server);
            http1::serve(connection, source, client).await;
        }
    }
}

/// Why an exchange ends without an answer. HTTP/2 tells the client the reason that is found among the causes.
type Broken = Box<dyn Error + Send + Sync>;

/// What HTTP/1.1 and HTTP/2 each do in their own way, for all requests of one connection.
trait Carrier: Send + Sync + 'static {
    /// Lives while a request waits for the head of its answer.
    type Busy: Send;

    /// The rules, as these requests see them.
    fn current(&self) -> &Current;

    /// Begins an exchange and says which number it has.
    fn begin(self: &Arc<Self>) -> (u64, Self::Busy);

    /// Sends a request to the server and waits for the head of its answer.
    fn forward(
        self: &Arc<Self>,
        request: Request<Payload>,
    ) -> impl Future<Output = Result<Forwarded, Broken>> + Send;

    /// Takes what the client still sends of a request that gets no further, so that it hears what comes back.
    fn finish_reading(&self, request: Request<Incoming>) -> impl Future<Output = ()> + Send;

    /// Breaks an exchange off.
    fn abort(&self) -> impl Future<Output = Broken> + Send;
}

/// Whose answer it is.
enum Forwarded {
    Theirs {
        response: Response<Incoming>,
        /// Whether what follows is not HTTP any more.
        leaves_http: bool,
    },
    /// The server cannot be reached.
    Ours(Answer),
}

//! How a request gets to the server and its answer back.

use std::{error::Error, io, sync::Arc};

use h2::Reason;
use hyper::{Method, Request, Version, body::Incoming};
use hyper_util::rt::TokioIo;

use super::{
    super::{Broken, Carrier, Forwarded, answer::unreachable, current::Current, payload::Payload},
    streams::Streams,
};

impl Carrier for Streams {
    type Busy = ();

    fn current(&self) -> &Current {
        &self.current
    }

    fn begin(self: &Arc<Self>) -> (u64, ()) {
        (self.next(), ())
    }

    async fn forward(self: &Arc<Self>, mut request: Request<Payload>) -> Result<Forwarded, Broken> {
        if request.uri().authority().is_none() {
            // Its `Host` speaks for it, as in a request that came as HTTP/1.1: RFC 9113, section 8.3.1.
            *request.version_mut() = Version::HTTP_11;
        }
        let is_connect = request.method() == Method::CONNECT;
        let client = is_connect.then(|| hyper::upgrade::on(&mut request));
        let mut response = match self.send(request).await {
            Ok(response) => response,
            Err(Unsent::Unreachable(error)) => {
                return Ok(Forwarded::Ours(unreachable(&self.current.connection, &error)));
            }
            Err(Unsent::Broken(error)) => return Err(error),
        };
        let client = client.filter(|_| response.status().is_success());
        let leaves_http = client.is_some();
        if let Some(client) = client {
            let server = hyper::upgrade::on(&mut response);
            self.within.run(async move {
                // A tunnel that breaks ends like one that closes.
                if let (Ok(client), Ok(server)) = tokio::join!(client, server) {
                    let (mut client, mut server) = (TokioIo::new(client), TokioIo::new(server));
                    drop(tokio::io::copy_bidirectional(&mut client, &mut server).await);
                }
            });
        }
        Ok(Forwarded::Theirs { response, leaves_http })
    }

    /// The stream is reset when its answer has been sent: nothing has to be read for that.
    async fn finish_reading(&self, _: Request<Incoming>) {}

    /// Resets the stream.
    async fn abort(&self) -> Broken {
        h2::Error::from(Reason::INTERNAL_ERROR).into()
    }
}

/// Why there is no answer.
enum Unsent {
    /// The server cannot be spoken to.
    Unreachable(io::Error),
    /// The server broke it off.
    Broken(Broken),
}

impl Streams {
    async fn send(&self, request: Request<Payload>) -> Result<hyper::Response<Incoming>, Unsent> {
        let mut sender = self.connected().await?;
        let mut unsent = match sender.try_send_request(request).await {
            Ok(response) => return Ok(response),
            Err(unsent) => unsent,
        };
        // The server took no more requests: not a byte of this one left, so it may be sent again.
        let Some(request) = unsent.take_message() else { return Err(broken(unsent.into_error())) };
        self.connected().await?.send_request(request).await.map_err(broken)
    }

    async fn connected(&self) -> Result<hyper::client::conn::http2::SendRequest<Payload>, Unsent> {
        self.server()
            .await
            .map_err(|error| Unsent::Unreachable(io::Error::new(error.kind(), error.to_string())))
    }
}

/// What to make of an exchange that failed.
fn broken(error: hyper::Error) -> Unsent {
    match error.source().and_then(|cause| cause.downcast_ref::<h2::Error>()) {
        // The server left without looking at this stream, so the client may send it again: RFC 9113, section 6.8.
        Some(cause)
            if cause.is_go_away() && cause.is_remote() && cause.reason() == Some(Reason::NO_ERROR) =>
        {
            Unsent::Broken(h2::Error::from(Reason::REFUSED_STREAM).into())
        }
        // What came from the server made no sense.
        Some(cause) if cause.is_go_away() && cause.is_library() => {
            Unsent::Unreachable(io::Error::other(format!("it does not speak HTTP/2: {cause}")))
        }
        _ => Unsent::Broken(error.into()),
    }
}

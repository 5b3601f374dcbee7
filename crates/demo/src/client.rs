//! A small HTTP/1.1 client with kept connections, for calls between services.
//!
//! Every request in this system is safe to send twice, so a call that finds its kept connection broken (the other side
//! restarted) goes out once more on a fresh one.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::header::{CONTENT_TYPE, HOST};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::TcpStream;
use tokio::time::timeout;

const CONNECT_WITHIN: Duration = Duration::from_secs(1);
const LARGEST_ANSWER: usize = 4 << 20;
const KEPT: usize = 64;

/// Calls one service.
#[derive(Debug)]
pub(crate) struct Client {
    to: SocketAddr,
    idle: Mutex<Vec<SendRequest<Full<Bytes>>>>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    #[error("no answer within {} ms", .0.as_millis())]
    TimedOut(Duration),
    #[error("no connection: {0}")]
    Unreachable(std::io::Error),
    #[error("the connection broke: {0}")]
    Broken(String),
    #[error("the answer is not what was expected: {0}")]
    Unreadable(String),
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: StatusCode,
    pub body: Bytes,
}

impl Answer {
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, CallError> {
        serde_json::from_slice(&self.body).map_err(|e| CallError::Unreadable(e.to_string()))
    }

    /// The body as JSON if the status says success.
    pub(crate) fn success<T: DeserializeOwned>(&self) -> Result<T, CallError> {
        match self.status.is_success() {
            true => self.json(),
            false => Err(CallError::Unreadable(format!("status {}", self.status))),
        }
    }

    /// The other side, or the way to it, is not able to answer at the moment.
    pub(crate) fn is_unavailable(&self) -> bool {
        matches!(self.status.as_u16(), 502..=504)
    }
}

impl Client {
    pub(crate) fn new(to: SocketAddr) -> Self {
        Self { to, idle: Mutex::default() }
    }

    pub(crate) async fn get(&self, path: &str, within: Duration) -> Result<Answer, CallError> {
        limited(within, self.exchange(Method::GET, path, Bytes::new())).await
    }

    pub(crate) async fn post<B: Serialize>(
        &self,
        path: &str,
        body: &B,
        within: Duration,
    ) -> Result<Answer, CallError> {
        limited(within, self.post_without_timeout(path, body)).await
    }

    /// Waits as long as it takes.
    pub(crate) async fn post_without_timeout<B: Serialize>(
        &self,
        path: &str,
        body: &B,
    ) -> Result<Answer, CallError> {
        let body = serde_json::to_vec(body).expect("types of `wire` have string keys only");
        self.exchange(Method::POST, path, body.into()).await
    }

    async fn exchange(&self, method: Method, path: &str, body: Bytes) -> Result<Answer, CallError> {
        while let Some(kept) = self.kept() {
            match self.send(kept, &method, path, &body).await {
                Err(CallError::Broken(_)) => continue,
                other => return other,
            }
        }
        let fresh = self.connect().await?;
        self.send(fresh, &method, path, &body).await
    }

    fn kept(&self) -> Option<SendRequest<Full<Bytes>>> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let kept = idle.pop()?;
            if !kept.is_closed() {
                return Some(kept);
            }
        }
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, CallError> {
        let stream = timeout(CONNECT_WITHIN, TcpStream::connect(self.to))
            .await
            .map_err(|_| CallError::TimedOut(CONNECT_WITHIN))?
            .map_err(CallError::Unreachable)?;
        stream.set_nodelay(true).map_err(CallError::Unreachable)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(broken)?;
        // Ends when the sender is dropped or the other side closes; how is reported to whoever waits for the answer.
        tokio::spawn(async move { connection.await.ok() });
        Ok(sender)
    }

    async fn send(
        &self,
        mut sender: SendRequest<Full<Bytes>>,
        method: &Method,
        path: &str,
        body: &Bytes,
    ) -> Result<Answer, CallError> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, self.to.to_string())
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(body.clone()))
            .map_err(|e| CallError::Unreadable(e.to_string()))?;
        sender.ready().await.map_err(broken)?;
        let (head, rest) = sender.send_request(request).await.map_err(broken)?.into_parts();
        let body = Limited::new(rest, LARGEST_ANSWER)
            .collect()
            .await
            .map_err(|e| CallError::Broken(e.to_string()))?
            .to_bytes();
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < KEPT && !sender.is_closed() {
            idle.push(sender);
        }
        Ok(Answer { status: head.status, body })
    }
}

fn broken(error: hyper::Error) -> CallError {
    CallError::Broken(error.to_string())
}

async fn limited(
    within: Duration,
    call: impl Future<Output = Result<Answer, CallError>>,
) -> Result<Answer, CallError> {
    timeout(within, call).await.unwrap_or(Err(CallError::TimedOut(within)))
}

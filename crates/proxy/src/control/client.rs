//! The other end of the control socket.

use std::{
    future::Future,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use steadfast_model::{
    BootTime,
    proxy::{ProxyAnswer, ProxyRequest, ProxyRule, ProxyStatus, RuleId},
};
use tokio::{
    io::{AsyncWriteExt, BufReader},
    net::UnixStream,
    time::timeout,
};

use super::line::{Line, read_line};

/// Why an order was not carried out. Messages are fragments after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// The proxy cannot be reached or went away. After this, nobody knows whether the order was carried out: all
    /// orders may be repeated.
    #[error("talk to the proxy at {}", path.display())]
    Unreachable {
        /// Its control socket.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The proxy says no.
    #[error("{message}")]
    Refused {
        /// Its reason, a fragment after "failed to".
        message: String,
    },
}

/// Talks to one proxy. A broken conversation is begun anew with the next order.
#[derive(Debug)]
pub struct Client {
    path: PathBuf,
    deadline: Duration,
    stream: Option<BufReader<UnixStream>>,
}

impl Client {
    /// How long each order may take, unless said otherwise.
    pub const DEADLINE: Duration = Duration::from_secs(1);

    /// Connects to the proxy behind this control socket.
    ///
    /// # Errors
    /// When nobody answers within [`Client::DEADLINE`].
    pub async fn connect(path: impl AsRef<Path>) -> Result<Self, ControlError> {
        let mut client = Self { path: path.as_ref().to_owned(), deadline: Self::DEADLINE, stream: None };
        let connected = client.in_time(UnixStream::connect(&client.path)).await?;
        client.stream = Some(BufReader::new(connected));
        Ok(client)
    }

    /// The same client with another time limit for each order.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Puts a rule in place. When this returns, what comes by meets it.
    ///
    /// # Errors
    /// When the proxy refuses (see [`crate::check_rule`]) or cannot be reached.
    pub async fn apply(&mut self, rule: ProxyRule) -> Result<ProxyStatus, ControlError> {
        self.order(&ProxyRequest::Apply(rule)).await
    }

    /// Moves a rule's lease forward, at most to its deadline.
    ///
    /// # Errors
    /// When the rule is not in place (any more) or the proxy cannot be reached.
    pub async fn renew(&mut self, id: RuleId, lease: BootTime) -> Result<ProxyStatus, ControlError> {
        self.order(&ProxyRequest::Renew { id, lease }).await
    }

    /// Takes a rule away for good. When this returns, what it held is on its way.
    ///
    /// # Errors
    /// When the proxy cannot be reached.
    pub async fn remove(&mut self, id: RuleId) -> Result<ProxyStatus, ControlError> {
        self.order(&ProxyRequest::Remove { id }).await
    }

    /// What is in place, and the counters.
    ///
    /// # Errors
    /// When the proxy cannot be reached.
    pub async fn status(&mut self) -> Result<ProxyStatus, ControlError> {
        self.order(&ProxyRequest::Status {}).await
    }

    /// Ends the proxy.
    ///
    /// # Errors
    /// When the proxy cannot be reached.
    pub async fn shutdown(&mut self) -> Result<ProxyStatus, ControlError> {
        self.order(&ProxyRequest::Shutdown {}).await
    }

    async fn order(&mut self, request: &ProxyRequest) -> Result<ProxyStatus, ControlError> {
        // Taken out: an answer that comes too late must not be read as the next order's.
        let stream = self.stream.take();
        let (answer, stream) = self.in_time(converse(&self.path, stream, request)).await?;
        self.stream = Some(stream);
        match answer {
            ProxyAnswer::Done(status) => Ok(status),
            ProxyAnswer::Refused { message } => Err(ControlError::Refused { message }),
        }
    }

    async fn in_time<T>(&self, work: impl Future<Output = io::Result<T>>) -> Result<T, ControlError> {
        let late =
            || io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {:?}", self.deadline));
        let done = timeout(self.deadline, work).await.unwrap_or_else(|_| Err(late()));
        done.map_err(|source| ControlError::Unreachable { path: self.path.clone(), source })
    }
}

async fn converse(
    path: &Path,
    stream: Option<BufReader<UnixStream>>,
    request: &ProxyRequest,
) -> io::Result<(ProxyAnswer, BufReader<UnixStream>)> {
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    let mut stream = match stream {
        Some(stream) => stream,
        None => BufReader::new(UnixStream::connect(path).await?),
    };
    stream.write_all(&line).await?;
    match read_line(&mut stream, &mut line).await? {
        Line::Whole => Ok((serde_json::from_slice(&line)?, stream)),
        Line::TooLong => Err(io::Error::new(io::ErrorKind::InvalidData, "the answer is too long")),
        Line::End => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

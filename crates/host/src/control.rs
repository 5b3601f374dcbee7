//! Speaking to a proxy over its control socket, and making sure that it is the proxy that was meant.

use std::{io, path::Path, time::Duration};

use rustix::process::geteuid;
use steadfast_model::{
    ProcessIdentity,
    proxy::{ProxyAnswer, ProxyRequest, ProxyStatus},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::UnixStream,
    time::timeout,
};

/// The longest answer that is read: 1 MiB.
const LONGEST_ANSWER: u64 = 1024 * 1024;

/// Why a proxy could not be spoken to. Messages are fragments after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// Nobody listens on the socket.
    #[error("reach the proxy at {path}: {cause}")]
    Nobody {
        /// The socket.
        path: String,
        /// Why.
        cause: io::Error,
    },
    /// Another process than the one meant listens there.
    #[error("reach the proxy at {path}: {who} listens there now")]
    Another {
        /// The socket.
        path: String,
        /// Who.
        who: String,
    },
    /// It does not answer, or not with what a proxy says.
    #[error("hear from the proxy at {path}: {cause}")]
    NoAnswer {
        /// The socket.
        path: String,
        /// Why.
        cause: String,
    },
    /// It will not do it.
    #[error("{message}")]
    Refused {
        /// Why, in its words.
        message: String,
    },
}

/// Sends one request and reads the state after it. With `expected`, only that very process is spoken to.
///
/// # Errors
/// When the proxy is not there, is another, does not answer within `patience`, or refuses.
pub(crate) async fn ask(
    control: &Path,
    expected: Option<&ProcessIdentity>,
    request: &ProxyRequest,
    patience: Duration,
) -> Result<ProxyStatus, ControlError> {
    let path = control.display().to_string();
    let exchange = async {
        let stream = connect(control).await?;
        let peer = peer_pid(&stream, &path)?;
        if expected.is_some_and(|expected| expected.pid != peer) {
            return Err(ControlError::Another { path: path.clone(), who: format!("process {peer}") });
        }
        let answer = converse(stream, request).await;
        let status = match answer
            .map_err(|error| ControlError::NoAnswer { path: path.clone(), cause: error.to_string() })?
        {
            ProxyAnswer::Done(status) => status,
            ProxyAnswer::Refused { message } => return Err(ControlError::Refused { message }),
        };
        let is_it =
            status.identity.pid == peer && expected.is_none_or(|expected| *expected == status.identity);
        if is_it {
            Ok(status)
        } else {
            Err(ControlError::Another { path: path.clone(), who: "another proxy".into() })
        }
    };
    match timeout(patience, exchange).await {
        Ok(result) => result,
        Err(_) => {
            Err(ControlError::NoAnswer { path, cause: format!("no answer for {} ms", patience.as_millis()) })
        }
    }
}

/// The process that listens on a control socket, without asking it anything: also of one that hangs.
///
/// # Errors
/// When nobody listens there or it belongs to somebody else.
pub(crate) async fn listener(control: &Path) -> Result<u32, ControlError> {
    peer_pid(&connect(control).await?, &control.display().to_string())
}

async fn connect(control: &Path) -> Result<UnixStream, ControlError> {
    let nobody = |cause| ControlError::Nobody { path: control.display().to_string(), cause };
    UnixStream::connect(control).await.map_err(nobody)
}

/// Only a proxy of this user or of root is believed.
fn peer_pid(stream: &UnixStream, path: &str) -> Result<u32, ControlError> {
    let nobody = |cause| ControlError::Nobody { path: path.to_owned(), cause };
    let peer = stream.peer_cred().map_err(nobody)?;
    if peer.uid() != geteuid().as_raw() && peer.uid() != 0 {
        return Err(ControlError::Another { path: path.to_owned(), who: format!("user {}", peer.uid()) });
    }
    let pid = peer.pid().and_then(|pid| u32::try_from(pid).ok());
    pid.ok_or_else(|| nobody(io::Error::other("the kernel does not tell who listens")))
}

async fn converse(mut stream: UnixStream, request: &ProxyRequest) -> io::Result<ProxyAnswer> {
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    stream.write_all(&line).await?;
    let mut answer = Vec::new();
    BufReader::new(stream.take(LONGEST_ANSWER)).read_until(b'\n', &mut answer).await?;
    if answer.is_empty() {
        return Err(io::Error::other("it hung up without an answer"));
    }
    Ok(serde_json::from_slice(&answer)?)
}

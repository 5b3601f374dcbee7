//! What Docker and Podman tell of their containers, over the HTTP API that both have on a Unix socket (Docker Engine API,
//! `GET /containers/json`). One request is all that is needed, so there is no client library.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use http_body_util::{BodyExt, Empty, Limited};
use hyper::{Request, StatusCode, body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use steadfast_engine::host::{HostError, HostErrorKind};
use steadfast_model::target::ContainerTarget;
use tokio::net::UnixStream;

use super::{super::no_target, is_whole_id};
use crate::error::host_error;

/// Where engines listen when nobody has told them otherwise, as root.
const USUAL: [&str; 2] = ["/run/docker.sock", "/run/podman/podman.sock"];
/// An engine that takes longer to list its containers is not waited for: 5 s.
const PATIENCE: Duration = Duration::from_secs(5);
/// A longer list is not read: 32 MiB, some ten thousand containers.
const LONGEST: usize = 32 * 1024 * 1024;

/// A container that runs, as its engine tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) image: String,
    pub(super) labels: BTreeMap<String, String>,
}

/// An entry of the list.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    id: String,
    #[serde(default)]
    names: Vec<String>,
    #[serde(default)]
    image: String,
    #[serde(default)]
    labels: Option<BTreeMap<String, String>>,
    #[serde(default)]
    created: i64,
}

/// All containers that run, of every engine that is there, oldest first.
pub(super) async fn running(target: &ContainerTarget) -> Result<Vec<Known>, HostError> {
    let sockets: Vec<PathBuf> = match &target.socket {
        Some(socket) => vec![socket.clone()],
        None => USUAL.iter().map(PathBuf::from).chain(of_this_user()).collect(),
    };
    let mut entries: Vec<Entry> = Vec::new();
    let (mut asked, mut denied) = (false, None);
    for socket in &sockets {
        let found = tokio::time::timeout(PATIENCE, list(socket)).await;
        match found.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
            Ok(found) => {
                asked = true;
                // Whatever else an engine calls an id could be the name of somebody else's control group.
                entries.extend(found.into_iter().filter(|entry| is_whole_id(&entry.id)));
            }
            // There is no such engine here.
            Err(error) if target.socket.is_none() && is_absent(&error) => {}
            // Another engine may be this user's own.
            Err(error) if target.socket.is_none() && error.kind() == io::ErrorKind::PermissionDenied => {
                denied = Some(refused(target, socket, &error));
            }
            Err(error) => return Err(refused(target, socket, &error)),
        }
    }
    if let (false, Some(denied)) = (asked, denied) {
        return Err(denied);
    }
    if !asked {
        let message = format!("find {target}: neither Docker nor Podman answers here");
        let hint = "start `docker.service` or `podman.socket`, give `socket: /path/of/api.sock`, or name it by `id` alone";
        return Err(no_target(message, Some(hint)));
    }
    // Engines tell whole seconds.
    entries.sort_by(|one, other| (one.created, &one.names).cmp(&(other.created, &other.names)));
    Ok(entries.into_iter().map(Entry::known).collect())
}

/// Where Podman listens for a user without privileges.
fn of_this_user() -> Option<PathBuf> {
    Some(Path::new(&std::env::var_os("XDG_RUNTIME_DIR")?).join("podman/podman.sock"))
}

async fn list(socket: &Path) -> io::Result<Vec<Entry>> {
    let stream = UnixStream::connect(socket).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    let connection = tokio::spawn(connection);
    // Engines do not look at the host.
    let request = Request::get("/containers/json").header("host", "localhost").body(Empty::<Bytes>::new());
    let answer = sender.send_request(request.map_err(io::Error::other)?).await.map_err(io::Error::other)?;
    let status = answer.status();
    let body = Limited::new(answer.into_body(), LONGEST).collect().await.map_err(io::Error::other)?;
    connection.abort();
    if status != StatusCode::OK {
        return Err(io::Error::other(format!("it answers {status}")));
    }
    Ok(serde_json::from_slice(&body.to_bytes())?)
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
}

fn refused(target: &ContainerTarget, socket: &Path, error: &io::Error) -> HostError {
    let message = format!("find {target}: ask {}: {error}", socket.display());
    match error.kind() {
        io::ErrorKind::PermissionDenied => host_error(
            HostErrorKind::Denied,
            message,
            Some("run as root, or as a user of the engine's group"),
        ),
        _ => no_target(message, Some("is it the API socket of Docker or Podman, and does the engine run?")),
    }
}

impl Entry {
    fn known(self) -> Known {
        let Self { id, names, image, labels, .. } = self;
        // Docker begins names with a slash, and lists links under further ones.
        let name = names.first().map_or_else(|| id.clone(), |name| name.trim_start_matches('/').to_owned());
        Known { id, name, image, labels: labels.unwrap_or_default() }
    }
}

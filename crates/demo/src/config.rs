//! What a process of the sample system is told when it starts.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::DemoError;
use crate::switches::Switches;

/// How to run the whole system. Kept as a file for the supervisor in the background.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DemoConfig {
    /// Where databases, logs and the acknowledgement log live. Created with mode 0700.
    pub state_dir: PathBuf,
    /// Program and first arguments of a service; `NAME --config FILE` is appended.
    pub service_command: Vec<String>,
    /// Program and first arguments of a proxy; `--name … --listen … --upstream … --protocol http --control …
    /// --exit-with-stdin` is appended. Without it services call each other directly.
    pub proxy_command: Option<Vec<String>>,
    /// Strengths taken away, weaknesses fixed.
    pub switches: Switches,
    /// The gateway's port, if it must be this one.
    pub gateway_port: Option<u16>,
    /// Risk in a network namespace of its own. Without it everything is on loopback.
    #[serde(default)]
    pub apart: Option<Apart>,
}

/// Where risk is when it has a network namespace of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Apart {
    /// A file that leads to the namespace, as long as the system runs.
    pub namespace: PathBuf,
    /// Its address there, which the other services must be able to reach.
    pub address: IpAddr,
}

/// What one service process is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceConfig {
    /// Where to listen; loopback only, unless `namespace` is given.
    pub listen: SocketAddr,
    /// A file that leads to the network namespace of this service; whoever starts [`crate::run_service`] has to enter it
    /// before.
    #[serde(default)]
    pub namespace: Option<PathBuf>,
    /// Where its files live.
    pub state_dir: PathBuf,
    /// Where the services it calls are reached: name to address.
    pub upstreams: BTreeMap<String, SocketAddr>,
    /// Strengths taken away, weaknesses fixed.
    pub switches: Switches,
    /// End when standard input closes, so that nobody outlives the supervisor.
    pub exit_with_stdin: bool,
}

impl DemoConfig {
    /// Reads the file written by `up`.
    pub fn read(path: &Path) -> Result<Self, DemoError> {
        read_json(path)
    }
}

impl ServiceConfig {
    /// Reads the file the supervisor wrote.
    pub fn read(path: &Path) -> Result<Self, DemoError> {
        read_json(path)
    }

    /// The address of a service this one calls.
    pub(crate) fn upstream(&self, name: &str) -> Result<SocketAddr, DemoError> {
        self.upstreams.get(name).copied().ok_or_else(|| DemoError::Setting {
            doing: format!("find the address of {name}"),
            reason: "the configuration has no upstream of that name".into(),
        })
    }
}

pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, DemoError> {
    let text = std::fs::read(path).map_err(DemoError::io("read", path))?;
    serde_json::from_slice(&text).map_err(|source| DemoError::Format { path: path.to_owned(), source })
}

/// Replaces the file as a whole, so that no reader sees half of it.
pub(crate) fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<(), DemoError> {
    let text = serde_json::to_vec_pretty(value)
        .map_err(|source| DemoError::Format { path: path.to_owned(), source })?;
    let half = path.with_extension("json.new");
    std::fs::write(&half, text).map_err(DemoError::io("write", &half))?;
    std::fs::rename(&half, path).map_err(DemoError::io("replace", path))
}

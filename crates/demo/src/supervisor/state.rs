//! `demo.json`: who runs where.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::identity::Identity;
use crate::config::read_json;
use crate::error::DemoError;
use crate::switches::Switches;

/// The system as its supervisor sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct State {
    /// Grows by one at every start.
    pub generation: u64,
    /// The process that supervises; none when stopped.
    pub supervisor: Option<Identity>,
    /// Did every process answer after the start?
    pub ready: bool,
    /// What is switched.
    pub switches: Switches,
    /// The six services by name.
    pub services: BTreeMap<String, Process>,
    /// The proxies by name, for example `payments-risk`; empty when services call each other directly.
    pub proxies: BTreeMap<String, Process>,
}

/// One supervised process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Process {
    /// The process, while it runs.
    pub process: Option<Identity>,
    /// Where it is reached: loopback, unless it is in a network namespace of its own.
    #[serde(default = "loopback")]
    pub address: IpAddr,
    /// Its port there.
    pub port: u16,
    /// How often it was started again.
    pub restarts: u32,
    /// A proxy's control socket.
    pub control: Option<PathBuf>,
}

impl Process {
    pub(crate) fn at(port: u16, control: Option<PathBuf>) -> Self {
        Self { process: None, address: loopback(), port, restarts: 0, control }
    }

    /// Is it in a network namespace of its own?
    #[must_use]
    pub fn is_apart(&self) -> bool {
        !self.address.is_loopback()
    }

    /// Address and port.
    #[must_use]
    pub fn socket(&self) -> SocketAddr {
        (self.address, self.port).into()
    }
}

fn loopback() -> IpAddr {
    Ipv4Addr::LOCALHOST.into()
}

impl State {
    /// Reads what the supervisor wrote last.
    pub fn read(state_dir: &Path) -> Result<Self, DemoError> {
        read_json(&Self::path(state_dir))
    }

    /// Where a service is reached directly; empty for a name that is not there.
    pub fn url(&self, service: &str) -> String {
        self.services.get(service).map(|s| format!("http://{}", s.socket())).unwrap_or_default()
    }

    /// Every process, proxies first.
    pub fn processes(&self) -> impl Iterator<Item = (&String, &Process)> {
        self.proxies.iter().chain(&self.services)
    }

    pub(super) fn path(state_dir: &Path) -> PathBuf {
        state_dir.join("demo.json")
    }

    pub(super) fn process_mut(&mut self, name: &str) -> Option<&mut Process> {
        self.services.get_mut(name).or_else(|| self.proxies.get_mut(name))
    }

    pub(super) fn stopped(&mut self) {
        self.supervisor = None;
        self.ready = false;
        self.services.values_mut().chain(self.proxies.values_mut()).for_each(|p| p.process = None);
    }

    /// Ends what an earlier supervisor could not.
    pub(super) fn kill_survivors(&self) {
        self.processes().filter_map(|(_, p)| p.process).for_each(|identity| identity.kill_group());
    }
}

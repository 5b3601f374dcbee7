//! What to start, where, and with which words.

use std::collections::BTreeMap;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::child::Role;
use super::identity::Identity;
use super::log_path;
use super::ports::Ports;
use super::state::{Process, State};
use crate::config::{DemoConfig, ServiceConfig, write_json};
use crate::error::DemoError;
use crate::topology::{Connection, Service};

/// The kernel's limit for the path of a Unix socket, unix(7), with its closing zero.
const LONGEST_SOCKET_PATH: usize = 108;

pub(super) struct Plan {
    /// The state before anything runs.
    pub state: State,
    /// Proxies first, then services in the order they start.
    pub roles: Vec<Role>,
    configs: Vec<(PathBuf, ServiceConfig)>,
}

impl Plan {
    pub(super) fn new(config: &DemoConfig, before: &State) -> Result<Self, DemoError> {
        let mut plan = Self { state: assigned(config, before)?, roles: Vec::new(), configs: Vec::new() };
        if let Some(command) = &config.proxy_command {
            for connection in Connection::ALL {
                plan.add_proxy(config, command, connection)?;
            }
        }
        for service in Service::ALL {
            plan.add_service(config, service);
        }
        Ok(plan)
    }

    /// Writes what each service is told, and makes the folders around it.
    pub(super) fn write_configs(&self) -> Result<(), DemoError> {
        for (path, config) in &self.configs {
            for folder in ["config", "logs", "proxies"].map(|f| config.state_dir.join(f)) {
                // Closed to others: a proxy refuses a control socket in an open folder.
                let create = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
                create.map_err(DemoError::io("create", &folder))?;
            }
            write_json(path, config)?;
        }
        Ok(())
    }

    fn add_proxy(
        &mut self,
        config: &DemoConfig,
        command: &[String],
        connection: Connection,
    ) -> Result<(), DemoError> {
        let name = connection.proxy();
        let process = &self.state.proxies[&name];
        let control = process.control.as_ref().expect("every proxy is assigned a control socket");
        let control = control.to_str().filter(|c| c.len() < LONGEST_SOCKET_PATH).ok_or_else(|| {
            let longest = LONGEST_SOCKET_PATH - 1;
            DemoError::Setting {
                doing: format!("use the state directory {}", config.state_dir.display()),
                reason: format!(
                    "the path of a control socket in it must be UTF-8 of at most {longest} bytes"
                ),
            }
        })?;
        let words = [
            ("--name", name.clone()),
            ("--listen", process.socket().to_string()),
            ("--upstream", self.state.services[connection.to.name()].socket().to_string()),
            ("--protocol", "http".into()),
            ("--control", control.to_owned()),
        ];
        let mut command = command.to_vec();
        command.extend(words.into_iter().flat_map(|(option, value)| [option.to_owned(), value]));
        command.push("--exit-with-stdin".into());
        self.roles.push(Role { log: log_path(&config.state_dir, &name), name, command });
        Ok(())
    }

    fn add_service(&mut self, config: &DemoConfig, service: Service) {
        let name = service.name();
        let upstreams = Connection::ALL.into_iter().filter(|c| c.from == service).map(|c| {
            let reached = self.state.proxies.get(&c.proxy());
            (c.to.name().to_owned(), reached.unwrap_or(&self.state.services[c.to.name()]).socket())
        });
        let settings = ServiceConfig {
            listen: self.state.services[name].socket(),
            namespace: config
                .apart
                .as_ref()
                .filter(|_| service == Service::APART)
                .map(|a| a.namespace.clone()),
            state_dir: config.state_dir.clone(),
            upstreams: upstreams.collect(),
            switches: config.switches.clone(),
            exit_with_stdin: true,
        };
        let path = config.state_dir.join("config").join(format!("{name}.json"));
        let mut command = config.service_command.clone();
        command.extend([name.to_owned(), "--config".into(), path.display().to_string()]);
        self.roles.push(Role { name: name.to_owned(), command, log: log_path(&config.state_dir, name) });
        self.configs.push((path, settings));
    }
}

/// Ports for everything: those of the last start where they are free.
fn assigned(config: &DemoConfig, before: &State) -> Result<State, DemoError> {
    let mut ports = Ports::new();
    let mut services = BTreeMap::new();
    for name in Service::ALL.map(Service::name) {
        let port = match config.gateway_port {
            Some(port) if name == Service::Gateway.name() => ports.take(port)?,
            _ => ports.find(before.services.get(name).map(|p| p.port))?,
        };
        let mut process = Process::at(port, None);
        if let Some(apart) = config.apart.as_ref().filter(|_| name == Service::APART.name()) {
            process.address = apart.address;
        }
        services.insert(name.to_owned(), process);
    }
    let mut proxies = BTreeMap::new();
    if config.proxy_command.is_some() {
        for name in Connection::ALL.map(Connection::proxy) {
            let port = ports.find(before.proxies.get(&name).map(|p| p.port))?;
            let control = config.state_dir.join("proxies").join(format!("{name}.sock"));
            proxies.insert(name, Process::at(port, Some(control)));
        }
    }
    Ok(State {
        generation: before.generation + 1,
        supervisor: Identity::of(std::process::id()),
        ready: false,
        switches: config.switches.clone(),
        services,
        proxies,
    })
}

/// Removes control sockets whose proxies are gone.
pub(super) fn remove_sockets(state_dir: &Path) {
    for name in Connection::ALL.map(Connection::proxy) {
        // Usually the proxy has done so itself.
        std::fs::remove_file(state_dir.join("proxies").join(format!("{name}.sock"))).ok();
    }
}

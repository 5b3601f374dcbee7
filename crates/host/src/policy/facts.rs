//! What a target really is, asked of the kernel at the last moment.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use steadfast_engine::host::{HostError, HostErrorKind};
use steadfast_linux::{command_name, executable, identify, listeners, network::Namespace, users};
use steadfast_model::{ResolvedTarget, network::NamespaceIdentity, target::ResolvedProcess};

use crate::error::{from_linux, host_error};

/// What a policy may ask about a target.
pub(super) enum Facts {
    Process(ProcessFacts),
    /// Every name that the namespace has below `/run/netns`; none when that cannot be told.
    Netns {
        names: Option<Vec<String>>,
    },
    Proxy {
        name: String,
        ports: Vec<u16>,
    },
    /// This machine as a whole.
    Host,
}

/// What a process is. `None` where this user may not know.
pub(super) struct ProcessFacts {
    pub(super) pid: u32,
    pub(super) executable: Option<PathBuf>,
    pub(super) command: Option<String>,
    pub(super) users: Option<[u32; 2]>,
}

impl Facts {
    /// Asks for them.
    ///
    /// # Errors
    /// When the process is another one by now, or the kernel does not answer.
    pub(super) fn of(target: &ResolvedTarget) -> Result<Self, HostError> {
        match target {
            ResolvedTarget::Process(process) => of_process(process).map(Self::Process),
            ResolvedTarget::Netns(namespace) => Ok(Self::Netns { names: names_of(&namespace.identity) }),
            ResolvedTarget::Host(_) => Ok(Self::Host),
            ResolvedTarget::Proxy(proxy) => {
                let port = |address: &str| address.rsplit_once(':')?.1.parse().ok();
                let ports = [&proxy.listen, &proxy.upstream].into_iter().filter_map(|address| port(address));
                Ok(Self::Proxy { name: proxy.name.clone(), ports: ports.collect() })
            }
        }
    }

    /// Those of the network namespace that a process is in. A user who may not enter it cannot tell its names.
    ///
    /// # Errors
    /// When the process is gone.
    pub(super) fn namespace_of(process: &ResolvedProcess) -> Result<Self, HostError> {
        let names = match Namespace::of_process(&process.identity) {
            Ok(Some(found)) => names_of(found.identity()),
            Ok(None) => return Err(is_gone(process)),
            Err(_) => None,
        };
        Ok(Self::Netns { names })
    }

    fn process(&self) -> Option<&ProcessFacts> {
        if let Self::Process(facts) = self { Some(facts) } else { None }
    }

    pub(super) fn executable(&self) -> Option<&Path> {
        self.process()?.executable.as_deref()
    }

    pub(super) fn command(&self) -> Option<&String> {
        self.process()?.command.as_ref()
    }

    pub(super) fn users(&self) -> Option<[u32; 2]> {
        self.process()?.users
    }

    pub(super) fn listens_on(&self, port: u16) -> Option<bool> {
        let pid = self.process()?.pid;
        let found = listeners(port).ok()?;
        if found.processes.iter().any(|process| process.pid == pid) {
            return Some(true);
        }
        // Somebody listens whom this user may not see: it may be this one.
        (found.sockets == 0 || found.unreadable == 0 || !found.processes.is_empty()).then_some(false)
    }
}

fn of_process(process: &ResolvedProcess) -> Result<ProcessFacts, HostError> {
    let pid = process.identity.pid;
    let linux = |error| from_linux(&error);
    let facts = ProcessFacts {
        pid,
        executable: executable(pid).map_err(linux)?,
        command: command_name(pid).map_err(linux)?,
        users: users(pid).map_err(linux)?,
    };
    // Asked last: what was found belongs to this very process.
    if identify(pid).map_err(linux)?.as_ref() != Some(&process.identity) {
        return Err(is_gone(process));
    }
    Ok(facts)
}

fn is_gone(process: &ResolvedProcess) -> HostError {
    host_error(HostErrorKind::TargetGone, format!("inject: process {} is gone", process.identity), None)
}

/// The names that lead to this very namespace; none when one of them may not be followed.
fn names_of(namespace: &NamespaceIdentity) -> Option<Vec<String>> {
    let entries = match fs::read_dir("/run/netns") {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Some(Vec::new()),
        Err(_) => return None,
    };
    let mut names = Vec::new();
    for entry in entries {
        // What is not UTF-8 cannot be written into a policy.
        let Ok(name) = entry.ok()?.file_name().into_string() else { continue };
        if Namespace::named(&name).ok()?.is_some_and(|found| found.identity() == namespace) {
            names.push(name);
        }
    }
    Some(names)
}

/// The number of a user, without asking the C library.
pub(crate) fn user_id(user: &str) -> Result<u32, String> {
    if let Ok(number) = user.parse() {
        return Ok(number);
    }
    let file =
        fs::read_to_string("/etc/passwd").map_err(|error| format!("/etc/passwd cannot be read: {error}"))?;
    let number = file.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(user)).then(|| fields.nth(1)?.parse().ok())?
    });
    number.ok_or_else(|| format!("this machine has no user `{user}`"))
}

/// Why a file could have been written by somebody else than root or, for others, this user; nothing when it could not.
pub(super) fn could_be_of_others(found: &fs::Metadata) -> Option<String> {
    let own = rustix::process::geteuid().as_raw();
    if found.uid() != 0 && found.uid() != own {
        return Some(format!("it belongs to user {}, neither root nor this user", found.uid()));
    }
    let mode = found.mode() & 0o7777;
    (mode & 0o022 != 0).then(|| format!("others may write to it (its mode is {mode:04o}): chmod go-w"))
}

//! What a target is, for a policy.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use steadfast_model::Problems;

use super::facts::{Facts, user_id};

/// Describes targets of one kind. Everything given must fit; with nothing given, every target of the kind does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Selector {
    /// Processes, also when a service or a connection led to them.
    Process(ProcessSelector),
    /// Network namespaces.
    Netns(NetnsSelector),
    /// Fault proxies.
    Proxy(ProxySelector),
    /// The machine as a whole, which stress faults put load on.
    Host(HostSelector),
}

/// Describes the machine as a whole: there is only one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HostSelector {}

/// Describes processes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProcessSelector {
    /// The file it runs, by its whole path. With a `/` at the end: every file below that folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executable: Option<PathBuf>,
    /// Its short name, as `ps -o comm` shows it: at most 15 bytes, and a process can change it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// The user it acts for, by name in `/etc/passwd` or by number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// A TCP port it listens on, in Steadfast's network namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listening: Option<u16>,
}

/// Describes network namespaces.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NetnsSelector {
    /// Its name below `/run/netns`, under whatever name a document reaches it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Describes fault proxies.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProxySelector {
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A port it listens on or sends to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}

impl Selector {
    /// Notes what can describe nothing.
    pub(super) fn check(&self, problems: &mut Problems) {
        let Self::Process(process) = self else { return };
        if process.executable.as_ref().is_some_and(|path| !path.is_absolute()) {
            problems.error(
                &["process", "executable"],
                "a path here is absolute",
                Some("write the whole path, beginning with /"),
            );
        }
        if process.command.as_ref().is_some_and(|name| name.is_empty() || name.len() > 15) {
            let hint = "the kernel keeps 15 bytes: see `ps -o comm`";
            problems.error(&["process", "command"], "a short name has 1 to 15 bytes", Some(hint));
        }
        if let Some(user) = &process.user
            && let Err(why) = user_id(user)
        {
            problems.error(&["process", "user"], why, Some("write a name from /etc/passwd, or the number"));
        }
    }

    /// Whether it describes a target; `None` when that cannot be told.
    pub(super) fn describes(&self, facts: &Facts) -> Option<bool> {
        match (self, facts) {
            (Self::Process(wanted), Facts::Process(_)) => all([
                wanted.executable.as_ref().map(|path| Some(is_at(facts.executable()?, path))),
                wanted.command.as_ref().map(|name| Some(facts.command()? == name)),
                wanted.user.as_ref().map(|user| Some(facts.users()?.contains(&user_id(user).ok()?))),
                wanted.listening.map(|port| facts.listens_on(port)),
            ]),
            (Self::Netns(wanted), Facts::Netns { names }) => {
                all([wanted.name.as_ref().map(|name| Some(names.as_ref()?.contains(name)))])
            }
            (Self::Proxy(wanted), Facts::Proxy { name, ports }) => all([
                wanted.name.as_ref().map(|wanted| Some(wanted == name)),
                wanted.port.map(|port| Some(ports.contains(&port))),
            ]),
            (Self::Host(_), Facts::Host) => Some(true),
            _ => Some(false),
        }
    }
}

/// True when all that was asked is; false when one is not; else it cannot be told.
fn all<const N: usize>(asked: [Option<Option<bool>>; N]) -> Option<bool> {
    let mut answers = asked.into_iter().flatten();
    let (mut unknown, mut no) = (false, false);
    for answer in &mut answers {
        unknown |= answer.is_none();
        no |= answer == Some(false);
    }
    if no { Some(false) } else { (!unknown).then_some(true) }
}

fn is_at(file: &Path, wanted: &Path) -> bool {
    let below = wanted.as_os_str().as_encoded_bytes().ends_with(b"/");
    if below { file.starts_with(wanted) } else { file == wanted }
}

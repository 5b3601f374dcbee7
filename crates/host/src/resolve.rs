//! From what a document names to the very thing on this machine.

use std::{collections::BTreeMap, path::Path};

use steadfast_engine::host::{HostError, HostErrorKind};
use steadfast_ledger::Ledger;
use steadfast_linux::{LinuxError, boot_id, host_name, identify, network::Namespace};
use steadfast_model::{
    Binding, ProcessIdentity, ResolvedTarget, Target,
    proxy::ProxyRequest,
    target::{
        Connection, ContainerTarget, NetnsTarget, ProcessTarget, ProxyTarget, ResolvedHost,
        ResolvedNamespace, ResolvedProxy,
    },
};

use crate::{
    Timing,
    control::{self, ControlError},
    error::{from_linux, host_error},
    protect::Guarded,
};

mod containers;
mod processes;
mod selection;

/// What it takes to find something.
pub(crate) struct Means<'a> {
    pub(crate) binding: &'a Binding,
    pub(crate) timing: &'a Timing,
    pub(crate) ledger: &'a Ledger,
    /// This process.
    pub(crate) own: &'a ProcessIdentity,
}

/// Finds what a document names. Changes nothing.
///
/// # Errors
/// [`HostErrorKind::NoTarget`] when nothing matches, or more than is meant; [`HostErrorKind::Protected`] when it is
/// none to be disturbed.
pub(crate) async fn resolve(target: &Target, by: &Means<'_>) -> Result<Vec<ResolvedTarget>, HostError> {
    let Means { binding, timing, .. } = *by;
    let found = match target {
        Target::Process(process) => return processes(process, None, by).await,
        Target::Container(container) => return containers(container, by).await,
        Target::Service(name) => return service(name, by).await,
        Target::Netns(netns) => namespace(netns).map(ResolvedTarget::Netns),
        Target::Host(_) => this_machine().map(ResolvedTarget::Host),
        Target::Connection(edge) => {
            let name = carrier(edge, binding)?;
            proxy(control_of(name, binding)?, timing).await
        }
        Target::Proxy(ProxyTarget { name: Some(name), control: None }) => {
            proxy(control_of(name, binding)?, timing).await
        }
        Target::Proxy(ProxyTarget { name: None, control: Some(control) }) => proxy(control, timing).await,
        Target::Proxy(_) => Err(no_target("find a proxy: give either `name` or `control`", None)),
    };
    Ok(vec![found?])
}

async fn processes(
    target: &ProcessTarget,
    service: Option<&str>,
    by: &Means<'_>,
) -> Result<Vec<ResolvedTarget>, HostError> {
    let guarded = Guarded::look(by.ledger, by.own, by.binding).await?;
    let found = processes::find(target, service, &guarded)?;
    let found: Vec<_> = found.into_iter().map(ResolvedTarget::Process).collect();
    guarded.check(&found)?;
    Ok(found)
}

async fn containers(target: &ContainerTarget, by: &Means<'_>) -> Result<Vec<ResolvedTarget>, HostError> {
    let found = containers::find(target).await?;
    let found: Vec<_> = found.into_iter().map(ResolvedTarget::Process).collect();
    Guarded::look(by.ledger, by.own, by.binding).await?.check(&found)?;
    Ok(found)
}

async fn service(name: &str, by: &Means<'_>) -> Result<Vec<ResolvedTarget>, HostError> {
    let unknown = || missing("service", name, &by.binding.services);
    let bound = by.binding.services.get(name).ok_or_else(unknown)?;
    let Some(process) = &bound.process else {
        let hint = "add `process: { listening: PORT }` to the service in the binding";
        return Err(no_target(
            format!("find service {name}: the binding names no process for it"),
            Some(hint),
        ));
    };
    processes(process, Some(name), by).await
}

fn namespace(target: &NetnsTarget) -> Result<ResolvedNamespace, HostError> {
    let (found, path, title) = match (&target.name, target.pid) {
        (Some(name), None) => (Namespace::named(name), format!("/run/netns/{name}"), name.clone()),
        (None, Some(pid)) => {
            let identity = identify(pid).map_err(|error| from_linux(&error))?;
            let found = identity.as_ref().map_or(Ok(None), Namespace::of_process);
            (found, format!("/proc/{pid}/ns/net"), format!("of process {pid}"))
        }
        _ => return Err(no_target("find a network namespace: give either `name` or `pid`", None)),
    };
    let denied = "network namespaces are entered as root (CAP_SYS_ADMIN and CAP_NET_ADMIN)";
    let found = found.map_err(|error| {
        let mut error = from_linux(&error);
        error.hint = (error.kind == HostErrorKind::Denied).then(|| denied.to_owned());
        error
    })?;
    let Some(found) = found else {
        let message = format!("find network namespace {title}: there is none");
        return Err(no_target(message, Some("see `ip netns list` and `lsns -t net`")));
    };
    Ok(ResolvedNamespace { identity: found.identity().clone(), path: path.into(), title })
}

fn this_machine() -> Result<ResolvedHost, HostError> {
    let boot_id = boot_id().map_err(|error| from_linux(&error))?;
    Ok(ResolvedHost { boot_id, name: host_name() })
}

fn carrier<'a>(edge: &Connection, binding: &'a Binding) -> Result<&'a str, HostError> {
    let carries =
        |bound: &&steadfast_model::binding::BoundConnection| bound.from == edge.from && bound.to == edge.to;
    if let Some(bound) = binding.connections.iter().find(carries) {
        return Ok(&bound.proxy);
    }
    let known: Vec<String> =
        binding.connections.iter().map(|bound| format!("{} -> {}", bound.from, bound.to)).collect();
    let hint = if known.is_empty() {
        "give a binding with connections".to_owned()
    } else {
        format!("the binding knows {}", known.join(", "))
    };
    Err(no_target(
        format!("find connection {} -> {}: the binding does not name it", edge.from, edge.to),
        Some(&hint),
    ))
}

fn control_of<'a>(name: &str, binding: &'a Binding) -> Result<&'a Path, HostError> {
    let bound = binding.proxies.get(name).ok_or_else(|| missing("proxy", name, &binding.proxies))?;
    Ok(&bound.control)
}

async fn proxy(control: &Path, timing: &Timing) -> Result<ResolvedTarget, HostError> {
    let asked = control::ask(control, None, &ProxyRequest::Status {}, timing.proxy_answer).await;
    let status = asked.map_err(|error| match error {
        ControlError::NoAnswer { .. } => {
            host_error(HostErrorKind::Other, error.to_string(), Some("is it stopped?"))
        }
        _ => no_target(error.to_string(), Some("is the proxy running, and yours?")),
    })?;
    Ok(ResolvedTarget::Proxy(ResolvedProxy {
        name: status.name,
        control: control.to_owned(),
        identity: status.identity,
        listen: status.listen,
        upstream: status.upstream,
        protocol: status.protocol,
    }))
}

fn missing<T>(what: &str, name: &str, known: &BTreeMap<String, T>) -> HostError {
    let names: Vec<&str> = known.keys().map(String::as_str).collect();
    let hint = if names.is_empty() {
        "there is no binding: name a process by `pid` or `listening`, or give a binding".to_owned()
    } else {
        format!("the binding knows {}", names.join(", "))
    };
    no_target(format!("find {what} {name}: the binding does not name it"), Some(&hint))
}

fn no_target(message: impl Into<String>, hint: Option<&str>) -> HostError {
    host_error(HostErrorKind::NoTarget, message, hint)
}

fn linux<T>(answer: Result<T, LinuxError>) -> Result<T, HostError> {
    answer.map_err(|error| from_linux(&error))
}

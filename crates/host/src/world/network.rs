//! The network namespaces of this machine.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use steadfast_faults::{FaultError, world::Network};
use steadfast_linux::{
    LinuxError, identify,
    network::{self, Namespace},
};
use steadfast_model::{
    InjectionId,
    network::{Backend, DisturbanceId, NamespaceIdentity, NetworkFault, NetworkStatus, Traffic},
    target::{ResolvedNamespace, ResolvedProcess},
};

use super::LocalWorld;

#[async_trait]
impl Network for LocalWorld {
    async fn check(&self, namespace: &ResolvedNamespace) -> Result<(), FaultError> {
        open(namespace).map(drop)
    }

    async fn of_process(&self, process: &ResolvedProcess) -> Result<ResolvedNamespace, FaultError> {
        let gone = || FaultError::TargetGone { what: format!("process {}", process.identity) };
        let found = Namespace::of_process(&process.identity).map_err(for_fault)?.ok_or_else(gone)?;
        let title = format!("of process {}", process.identity);
        spare_our_own(found.identity(), &title)?;
        let path = format!("/proc/{}/ns/net", process.identity.pid).into();
        Ok(ResolvedNamespace { identity: found.identity().clone(), path, title })
    }

    async fn backend(
        &self,
        namespace: &ResolvedNamespace,
        traffic: &Traffic,
        fault: &NetworkFault,
    ) -> Result<String, FaultError> {
        let fault = decide(namespace, traffic, fault).await?;
        if fault.backend() == Backend::Netem {
            return Ok("netem".to_owned());
        }
        if let Some(known) = self.offers.known(traffic, &fault) {
            return Ok(known);
        }
        let tried = (traffic.clone(), fault.clone());
        let backend = blocking(move || network::probe(&tried.0, &tried.1)).await?.map_err(for_fault)?;
        self.offers.add(traffic, fault, &backend);
        Ok(backend)
    }

    async fn status(
        &self,
        namespace: &ResolvedNamespace,
        injection: InjectionId,
    ) -> Result<NetworkStatus, FaultError> {
        let opened = open(namespace)?;
        let identity = opened.identity().clone();
        let prefix = DisturbanceId::tables_of(injection);
        let handle = DisturbanceId::qdisc_of(injection);
        let looked = move || {
            let mut found = network::status(&opened, &prefix)?;
            found.extend(network::qdisc_status(&opened, handle)?);
            Ok(found)
        };
        let disturbances = blocking(looked).await?.map_err(for_fault)?;
        Ok(NetworkStatus { namespace: identity, disturbances })
    }
}

/// What this kernel was found to offer. Trying it costs more than half of what an injection does, and a kernel does not
/// lose what it had: should it, the injection itself says so. What it does not offer is tried again, as it may learn.
#[derive(Debug, Clone, Default)]
pub(super) struct Offers(Arc<Mutex<VecDeque<(Traffic, NetworkFault, String)>>>);

impl Offers {
    /// So many are remembered, the newest.
    const MOST: usize = 64;

    fn known(&self, traffic: &Traffic, fault: &NetworkFault) -> Option<String> {
        let offers = self.0.lock().expect("nothing panics while it is locked");
        let found = offers.iter().find(|(of, by, _)| (of, by) == (traffic, fault));
        found.map(|(.., backend)| backend.clone())
    }

    fn add(&self, traffic: &Traffic, fault: NetworkFault, backend: &str) {
        let mut offers = self.0.lock().expect("nothing panics while it is locked");
        offers.truncate(Self::MOST - 1);
        offers.push_front((traffic.clone(), fault, backend.to_owned()));
    }
}

/// The fault with its backend decided: netem where it is asked for, or where it is there and does all that is.
pub(crate) async fn decide(
    namespace: &ResolvedNamespace,
    traffic: &Traffic,
    fault: &NetworkFault,
) -> Result<NetworkFault, FaultError> {
    let asked_for = fault.backend() == Backend::Netem;
    let otherwise = || Ok(fault.clone().by(Backend::Nftables));
    let refused = |why: &str, hint: &str| {
        let what = format!("disturb packets by netem: {why}");
        Err(FaultError::Unsupported { what, hint: Some(hint.to_owned()) })
    };
    if fault.backend() == Backend::Nftables || (!asked_for && fault.netem_cannot(traffic).is_some()) {
        return otherwise();
    }
    let opened = open(namespace)?;
    let (taken, tried) = {
        let fault = fault.clone();
        let look = move || (network::has_qdiscs(&opened), network::probe_netem(&fault));
        blocking(look).await?
    };
    match (tried, taken.map_err(for_fault)?) {
        (Ok(()), false) => Ok(fault.clone().by(Backend::Netem)),
        (Ok(()) | Err(LinuxError::Missing { .. }), _) if !asked_for => otherwise(),
        (Err(LinuxError::Missing { .. }), _) => {
            refused("this kernel has no netem", "load it with `modprobe sch_netem`, or leave `backend` out")
        }
        (Ok(()), true) => refused(
            "a device has a queueing discipline of somebody, which stays (see `tc qdisc show`)",
            "write backend: nftables",
        ),
        (Err(error), _) => Err(for_fault(error)),
    }
}

/// Opens the very namespace that was meant, which is none of our own.
pub(crate) fn open(namespace: &ResolvedNamespace) -> Result<Namespace, FaultError> {
    let found = Namespace::at(&namespace.path).map_err(for_fault)?;
    let is_it = |found: &Namespace| *found.identity() == namespace.identity;
    let gone = || FaultError::TargetGone { what: format!("network namespace {}", namespace.title) };
    let found = found.filter(is_it).ok_or_else(gone)?;
    spare_our_own(found.identity(), &namespace.title)?;
    Ok(found)
}

/// Refuses the namespaces through which this machine and Steadfast itself are reached.
fn spare_our_own(identity: &NamespaceIdentity, title: &str) -> Result<(), FaultError> {
    let own = network::own_namespace().map_err(for_fault)?;
    // Who may not look at the first process may not enter its namespace either: also not from a user namespace.
    let first = identify(1).ok().flatten().and_then(|first| Namespace::of_process(&first).ok().flatten());
    let is_first = first.is_some_and(|first| first.identity() == identity);
    if own != *identity && !is_first {
        return Ok(());
    }
    Err(FaultError::Unsupported {
        what: format!("disturb network namespace {title}: it is this machine's own, with the ways in"),
        hint: Some(
            "put it into a service that has a network namespace of its own, such as a container; for services that share this machine's, take a tcp or http fault on a proxy"
                .to_owned(),
        ),
    })
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, FaultError> {
    let broken = |error: tokio::task::JoinError| FaultError::World {
        what: "look at a network namespace".to_owned(),
        cause: error.to_string(),
    };
    tokio::task::spawn_blocking(work).await.map_err(broken)
}

/// As a fault sees it.
pub(crate) fn for_fault(error: LinuxError) -> FaultError {
    match error {
        LinuxError::Denied { what } => FaultError::Denied {
            what,
            hint: "network namespaces are entered as root (CAP_SYS_ADMIN and CAP_NET_ADMIN)".to_owned(),
        },
        LinuxError::Missing { what } => FaultError::Unsupported {
            what: format!("{what}: this kernel does not offer it"),
            hint: Some(
                "see the README of the fault for what it needs; take another direction, or a tcp or http fault on a proxy"
                    .to_owned(),
            ),
        },
        LinuxError::Gone { what } => FaultError::World { what, cause: "it is gone".to_owned() },
        other => {
            let cause = std::error::Error::source(&other).map_or_else(String::new, ToString::to_string);
            FaultError::World { what: other.to_string(), cause }
        }
    }
}

#[cfg(test)]
mod tests {
    use steadfast_model::network::Direction;

    use super::*;

    #[test]
    fn what_a_kernel_offers_is_remembered_for_the_very_same_disturbance() {
        let offers = Offers::default();
        let seen_by = offers.clone();
        let (both, out) =
            (Traffic::default(), Traffic { direction: Direction::Egress, ..Traffic::default() });
        let partition = |visible| NetworkFault::Partition { visible };
        offers.add(&both, partition(true), "nftables");
        assert_eq!(seen_by.known(&both, &partition(true)).as_deref(), Some("nftables"));
        assert_eq!(seen_by.known(&out, &partition(true)), None);
        assert_eq!(seen_by.known(&both, &partition(false)), None);
        for _ in 0..Offers::MOST {
            offers.add(&out, partition(false), "nftables at the devices");
        }
        assert_eq!(
            (offers.known(&both, &partition(true)), offers.0.lock().unwrap().len()),
            (None, Offers::MOST)
        );
    }
}

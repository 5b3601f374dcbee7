//! This machine as faults see it: looking, without touching.

use async_trait::async_trait;
use steadfast_engine::host::HostError;
use steadfast_faults::{
    FaultError,
    world::{Fellow, Files, Machine, Network, Processes, Proxies, World},
};
use steadfast_ledger::Ledger;
use steadfast_linux::{LinuxError, ProcessHandle, own_identity};
use steadfast_model::{
    Binding, InjectionId, ProcessIdentity,
    cgroup::{CgroupIdentity, CpuGroup},
    process::ProcessState,
    proxy::{ProxyRequest, ProxyStatus},
    skew::{ClockStatus, Skew},
    target::ResolvedProxy,
};

use crate::{
    Timing,
    control::{self, ControlError},
    error::linux_for_fault,
    protect::Guarded,
};

pub(crate) mod clocks;
pub(crate) mod files;
pub(crate) mod groups;
pub(crate) mod machine;
pub(crate) mod network;

/// This machine, its processes, proxies and network namespaces.
#[derive(Debug, Clone)]
pub struct LocalWorld {
    timing: Timing,
    /// Who works for an injection.
    ledger: Ledger,
    /// Which proxies must be spared.
    binding: Binding,
    offers: network::Offers,
}

impl LocalWorld {
    /// This machine.
    #[must_use]
    pub fn new(timing: Timing, ledger: Ledger) -> Self {
        Self { timing, ledger, binding: Binding::default(), offers: network::Offers::default() }
    }

    /// The same, with the proxies of a binding.
    #[must_use]
    pub fn with_binding(self, binding: Binding) -> Self {
        Self { binding, ..self }
    }

    /// The first of these processes that must be spared, and why; `place` says where they are, for people.
    async fn first_spared(
        &self,
        pids: impl IntoIterator<Item = u32>,
        place: &str,
    ) -> Result<Option<(u32, String)>, FaultError> {
        let own = own_identity().map_err(linux_for_fault)?;
        let guarded = Guarded::look(&self.ledger, &own, &self.binding).await;
        let unread = |error: HostError| FaultError::World {
            what: format!("look who is in {place}"),
            cause: error.message,
        };
        guarded.and_then(|guarded| guarded.first(pids)).map_err(unread)
    }
}

impl World for LocalWorld {
    fn processes(&self) -> &dyn Processes {
        self
    }

    fn proxies(&self) -> &dyn Proxies {
        self
    }

    fn network(&self) -> &dyn Network {
        self
    }

    fn machine(&self) -> &dyn Machine {
        self
    }

    fn files(&self) -> &dyn Files {
        self
    }
}

#[async_trait]
impl Processes for LocalWorld {
    async fn state(&self, process: &ProcessIdentity) -> Result<ProcessState, FaultError> {
        steadfast_linux::process_state(process).map_err(linux_for_fault)
    }

    async fn cpu_group(&self, process: &ProcessIdentity) -> Result<CpuGroup, FaultError> {
        groups::of(process)
    }

    async fn fellows(&self, cgroup: &CgroupIdentity) -> Result<Vec<Fellow>, FaultError> {
        groups::fellows(self, cgroup).await
    }

    async fn may_signal(&self, process: &ProcessIdentity) -> Result<(), FaultError> {
        hold(process)?.may_signal().map_err(linux_for_fault)
    }

    async fn may_skew(&self, process: &ProcessIdentity, skew: &Skew) -> Result<(), FaultError> {
        clocks::may_skew(process, skew)
    }

    async fn clocks(
        &self,
        process: &ProcessIdentity,
        injection: InjectionId,
    ) -> Result<ClockStatus, FaultError> {
        clocks::status(process, injection)
    }
}

#[async_trait]
impl Proxies for LocalWorld {
    async fn status(&self, proxy: &ResolvedProxy) -> Result<ProxyStatus, FaultError> {
        let request = ProxyRequest::Status {};
        let asked =
            control::ask(&proxy.control, Some(&proxy.identity), &request, self.timing.proxy_answer).await;
        asked.map_err(|error| control_for_fault(&error, proxy))
    }
}

/// Holds on to a process that a fault is about to touch.
pub(crate) fn hold(process: &ProcessIdentity) -> Result<ProcessHandle, FaultError> {
    let held: Result<_, LinuxError> = ProcessHandle::open(process);
    let gone = || FaultError::TargetGone { what: format!("process {process}") };
    held.map_err(linux_for_fault)?.ok_or_else(gone)
}

/// As a fault sees trouble with a proxy.
pub(crate) fn control_for_fault(error: &ControlError, proxy: &ResolvedProxy) -> FaultError {
    match error {
        ControlError::Nobody { cause, .. } if cause.kind() == std::io::ErrorKind::PermissionDenied => {
            FaultError::Denied {
                what: format!("reach proxy {}", proxy.name),
                hint: "run as the user the proxy belongs to".to_owned(),
            }
        }
        ControlError::Nobody { .. } | ControlError::Another { .. } => {
            FaultError::TargetGone { what: format!("proxy {}", proxy.name) }
        }
        ControlError::NoAnswer { cause, .. } => {
            FaultError::World { what: format!("hear from proxy {}", proxy.name), cause: cause.clone() }
        }
        ControlError::Refused { message } => {
            FaultError::World { what: format!("make proxy {} do it", proxy.name), cause: message.clone() }
        }
    }
}

//! What a fault may ask of the machine. `linux` and `proxy` stand behind these traits; [`fake`] does in tests.

use std::path::Path;

use async_trait::async_trait;
use steadfast_model::{
    InjectionId, ProcessIdentity,
    cgroup::{CgroupIdentity, CpuGroup},
    files::{CoverStatus, FileRule, Ground},
    network::{NetworkFault, NetworkStatus, Traffic},
    process::{ProcessState, Signal},
    proxy::{ProxyFault, ProxyStatus},
    skew::{ClockStatus, Skew},
    stress::{Room, Stress, StressStatus, Volume},
    target::{ResolvedHost, ResolvedNamespace, ResolvedProcess, ResolvedProxy},
};

use crate::FaultError;

pub mod fake;

/// Looking, without touching.
pub trait World: Send + Sync {
    /// The processes of this machine.
    fn processes(&self) -> &dyn Processes;
    /// The fault proxies that can be reached.
    fn proxies(&self) -> &dyn Proxies;
    /// The network namespaces of this machine.
    fn network(&self) -> &dyn Network;
    /// The machine itself.
    fn machine(&self) -> &dyn Machine;
    /// The files that processes use.
    fn files(&self) -> &dyn Files;
}

/// Looking at processes.
#[async_trait]
pub trait Processes: Send + Sync {
    /// What a process does now.
    ///
    /// # Errors
    /// When the process table cannot be read.
    async fn state(&self, process: &ProcessIdentity) -> Result<ProcessState, FaultError>;

    /// The cgroup that limits its CPU time.
    ///
    /// # Errors
    /// [`FaultError::TargetGone`] when the process is gone, [`FaultError::Unsupported`] when none does.
    async fn cpu_group(&self, process: &ProcessIdentity) -> Result<CpuGroup, FaultError>;

    /// Who is in a cgroup and in those below it, as people know them.
    ///
    /// # Errors
    /// [`FaultError::Unsupported`] when Steadfast itself is, what it stands on, or a way into this machine.
    async fn fellows(&self, cgroup: &CgroupIdentity) -> Result<Vec<Fellow>, FaultError>;

    /// Whether this user may send it a signal. Sends none.
    ///
    /// # Errors
    /// [`FaultError::Denied`] when not, [`FaultError::TargetGone`] when it is gone.
    async fn may_signal(&self, process: &ProcessIdentity) -> Result<(), FaultError>;

    /// Whether a process can be told another time. Changes nothing.
    ///
    /// # Errors
    /// [`FaultError::Unsupported`] or [`FaultError::Denied`] when not, [`FaultError::TargetGone`] when it is gone.
    async fn may_skew(&self, process: &ProcessIdentity, skew: &Skew) -> Result<(), FaultError>;

    /// Whether an injection tells a process the wrong time, and how often it did.
    ///
    /// # Errors
    /// [`FaultError::TargetGone`] when the process is gone, and when it cannot be looked into.
    async fn clocks(
        &self,
        process: &ProcessIdentity,
        injection: InjectionId,
    ) -> Result<ClockStatus, FaultError>;
}

/// Looking at proxies.
#[async_trait]
pub trait Proxies: Send + Sync {
    /// A proxy's rules and counters now.
    ///
    /// # Errors
    /// [`FaultError::TargetGone`] when nothing answers on its control socket, or another process does.
    async fn status(&self, proxy: &ResolvedProxy) -> Result<ProxyStatus, FaultError>;
}

/// Looking at network namespaces.
#[async_trait]
pub trait Network: Send + Sync {
    /// Whether it is still there and may be disturbed.
    ///
    /// # Errors
    /// [`FaultError::TargetGone`] when it is gone, [`FaultError::Unsupported`] for the machine's own,
    /// [`FaultError::Denied`] when this user may not enter it.
    async fn check(&self, namespace: &ResolvedNamespace) -> Result<(), FaultError>;

    /// The one a process is in, checked in the same way.
    ///
    /// # Errors
    /// As [`Network::check`].
    async fn of_process(&self, process: &ResolvedProcess) -> Result<ResolvedNamespace, FaultError>;

    /// What would disturb these packets in this way: `nftables`, `nftables + NFQUEUE`.
    ///
    /// # Errors
    /// [`FaultError::Unsupported`] when this kernel has nothing that does it.
    async fn backend(
        &self,
        namespace: &ResolvedNamespace,
        traffic: &Traffic,
        fault: &NetworkFault,
    ) -> Result<String, FaultError>;

    /// What an injection has in place there, and what it counted.
    ///
    /// # Errors
    /// [`FaultError::TargetGone`] when the namespace is gone.
    async fn status(
        &self,
        namespace: &ResolvedNamespace,
        injection: InjectionId,
    ) -> Result<NetworkStatus, FaultError>;
}

/// Looking at a machine.
#[async_trait]
pub trait Machine: Send + Sync {
    /// How much of it workers may use now.
    ///
    /// # Errors
    /// [`FaultError::TargetGone`] when it has booted again since it was found.
    async fn room(&self, host: &ResolvedHost) -> Result<Room, FaultError>;

    /// The file system that a directory is on. No symbolic link may be on the way there, save for what leads into the
    /// mount namespace of a process: `/proc/PID/root`.
    ///
    /// # Errors
    /// [`FaultError::TargetGone`] when the machine has booted again, [`FaultError::Unsupported`] for what is no such
    /// directory, [`FaultError::Denied`] when this user may not go there.
    async fn volume(&self, host: &ResolvedHost, path: &Path) -> Result<Volume, FaultError>;

    /// What the workers of an injection do to it. There are none on a machine that has booted again.
    ///
    /// # Errors
    /// When they cannot be looked at.
    async fn status(&self, host: &ResolvedHost, injection: InjectionId) -> Result<StressStatus, FaultError>;
}

/// Looking at the files that processes use.
#[async_trait]
pub trait Files: Send + Sync {
    /// A directory, as a process and everybody else in its mount namespace sees it. No symbolic link may be on the way there.
    ///
    /// # Errors
    /// [`FaultError::TargetGone`] when the process is gone, [`FaultError::Unsupported`] for what is no such directory and where
    /// this kernel cannot cover any, [`FaultError::Denied`] when this user may not.
    async fn ground(&self, process: &ProcessIdentity, path: &Path) -> Result<Ground, FaultError>;

    /// What an injection has in place over that directory, as the process sees it. Nothing when the process is gone.
    ///
    /// # Errors
    /// When whoever covers it does not answer.
    async fn status(
        &self,
        process: &ProcessIdentity,
        path: &Path,
        injection: InjectionId,
    ) -> Result<CoverStatus, FaultError>;
}

/// The verbs. Each writes its undo record durably before it changes anything; a fault author cannot forget to.
#[async_trait]
pub trait Injection: Send {
    /// Looking, while injecting.
    fn world(&self) -> &dyn World;

    /// Stops a process (`SIGSTOP`). Undone by letting it run again.
    async fn pause_process(&mut self, process: &ProcessIdentity) -> Result<(), FaultError>;

    /// Sends a signal that ends a process. Recorded as irreversible.
    async fn kill_process(&mut self, process: &ProcessIdentity, signal: Signal) -> Result<(), FaultError>;

    /// Gives the cgroup of a process less CPU time: so many thousandths of one CPU. Undone by giving it back what it had.
    async fn throttle_process(&mut self, process: &ProcessIdentity, millis: u64) -> Result<(), FaultError>;

    /// Tells a process another time than it is. Undone by letting it, and what it forked meanwhile, read its clocks as before.
    async fn skew_clocks(&mut self, process: &ProcessIdentity, skew: &Skew) -> Result<(), FaultError>;

    /// Gives a proxy a rule with the injection's deadline and lease. Undone by taking it away.
    async fn apply_rule(&mut self, proxy: &ResolvedProxy, rule: NewRule) -> Result<(), FaultError>;

    /// Lets a worker disturb the packets of a network namespace until the injection's deadline or lease. Undone by
    /// ending the worker.
    async fn disturb_network(
        &mut self,
        namespace: &ResolvedNamespace,
        traffic: &Traffic,
        fault: &NetworkFault,
    ) -> Result<(), FaultError>;

    /// Lets a worker disturb what is done with the files below a directory, by everybody in the mount namespace of the
    /// process, until the injection's deadline or lease. Undone by taking its cover away.
    async fn cover_files(
        &mut self,
        process: &ProcessIdentity,
        path: &Path,
        rule: &FileRule,
    ) -> Result<(), FaultError>;

    /// Lets a worker put load on a machine until the injection's deadline or lease. Undone by ending the worker.
    async fn stress_machine(&mut self, host: &ResolvedHost, stress: &Stress) -> Result<(), FaultError>;
}

/// A process among others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fellow {
    /// Its number.
    pub pid: u32,
    /// Its short name.
    pub command: String,
}

/// A rule as a fault asks for it; the injection adds its id, deadline and lease.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRule {
    /// What the proxy shall do.
    pub fault: ProxyFault,
    /// To which share of connections or requests.
    pub percent: steadfast_model::Percent,
    /// Makes chance repeatable.
    pub seed: u64,
}

//! A world in memory, for tests: processes with states, proxies with rules and counters, and a log of what was done.
//!
//! It never waits, so [`at_once`] runs anything that only asks this world. Traffic flows when a test says so.

use std::{
    path::Path,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll, Waker},
};

use async_trait::async_trait;
use steadfast_model::{
    InjectionId, ProcessIdentity, ResolvedTarget,
    cgroup::{CgroupIdentity, CpuGroup, CpuQuota},
    files::{CoverStatus, Ground},
    network::{DisturbanceId, NetworkFault, NetworkStatus, Traffic},
    process::ProcessState,
    proxy::{Protocol, ProxyStatus},
    skew::{ClockStatus, Skew},
    stress::{Room, StressStatus, Volume},
    target::{ResolvedHost, ResolvedNamespace, ResolvedProcess, ResolvedProxy},
    undo::UndoVerb,
};

use super::{Fellow, Files, Machine, Network, Processes, Proxies, World};
use crate::FaultError;

mod files;
mod injection;
mod machine;
mod namespace;
mod state;

pub use injection::FakeInjection;
use machine::FakeMachine;
use namespace::FakeNamespace;
use state::{FakeProcess, FakeProxy, State};
pub use state::{LogEntry, Trouble};

/// A world in memory. Clones are the same world.
#[derive(Debug, Clone, Default)]
pub struct FakeWorld(Arc<Mutex<State>>);

impl FakeWorld {
    /// An empty world.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a process that runs.
    pub fn add_process(&self, command: &str) -> ResolvedTarget {
        let identity = self.state().start(command);
        ResolvedTarget::Process(ResolvedProcess::new(identity, command))
    }

    /// Starts a proxy that carries nothing yet. It is a process too.
    pub fn add_proxy(&self, name: &str, protocol: Protocol) -> ResolvedTarget {
        let mut state = self.state();
        let identity = state.start("steadfast-proxy");
        let port = 9_000 + state.proxies.len();
        let proxy = ResolvedProxy {
            name: name.to_owned(),
            control: format!("/run/{name}.sock").into(),
            identity,
            listen: format!("127.0.0.1:{port}"),
            upstream: format!("127.0.0.1:{}", port + 1_000),
            protocol,
        };
        state.proxies.push(FakeProxy::new(proxy.clone()));
        ResolvedTarget::Proxy(proxy)
    }

    /// Makes a network namespace in which nothing is sent yet.
    pub fn add_namespace(&self, name: &str) -> ResolvedTarget {
        let mut state = self.state();
        let namespace = FakeNamespace::new(name, state.namespaces.len());
        let resolved = namespace.resolved.clone();
        state.namespaces.push(namespace);
        ResolvedTarget::Netns(resolved)
    }

    /// Removes a network namespace, and with it what disturbs it.
    pub fn remove_namespace(&self, namespace: &ResolvedNamespace) {
        self.state().namespaces.retain(|found| found.resolved.identity != namespace.identity);
    }

    /// Makes a machine on which nothing happens yet.
    pub fn add_host(&self, name: &str) -> ResolvedTarget {
        let mut state = self.state();
        let machine = FakeMachine::new(name, state.machines.len());
        let resolved = machine.resolved.clone();
        state.machines.push(machine);
        ResolvedTarget::Host(resolved)
    }

    /// Boots a machine again: what was found is not there any more.
    pub fn remove_host(&self, host: &ResolvedHost) {
        self.state().machines.retain(|found| found.resolved != *host);
    }

    /// How much room every machine has.
    #[must_use]
    pub fn room(&self) -> Room {
        self.state().room.clone().unwrap_or_else(machine::usual_room)
    }

    /// Gives every machine this much room.
    pub fn set_room(&self, room: Room) {
        self.state().room = Some(room);
    }

    /// The file system that every path of every machine is on, before anything fills it.
    #[must_use]
    pub fn volume(&self) -> Volume {
        self.state().volume.clone().unwrap_or_else(machine::usual_volume)
    }

    /// Puts every path of every machine on this file system.
    pub fn set_volume(&self, volume: Volume) {
        self.state().volume = Some(volume);
    }

    /// What every directory is like.
    #[must_use]
    pub fn ground(&self) -> Ground {
        let nobody = ProcessIdentity { pid: 0, start_time: 0, boot_id: "fake-boot".to_owned() };
        self.state().ground.clone().unwrap_or_else(|| files::usual_ground(&nobody))
    }

    /// Makes every directory like this, in the mount namespace of whoever sees it.
    pub fn set_ground(&self, ground: Ground) {
        self.state().ground = Some(ground);
    }

    /// Gives the cgroup of a process another limit of CPU time, as if somebody else had.
    pub fn set_cpu_quota(&self, identity: &ProcessIdentity, quota: CpuQuota) {
        let mut state = self.state();
        let same = |found: &&mut FakeProcess| found.identity == *identity;
        state.processes.iter_mut().filter(same).for_each(|found| found.quota = quota);
    }

    /// Sets what a process does, as if it happened by itself: no verb, no record. One that has ended stays so.
    pub fn set_process(&self, identity: &ProcessIdentity, state: ProcessState) {
        drop(self.state().set_process(identity, state));
    }

    /// Lets `count` connections with one request each through every proxy that lives, and as many packets through every
    /// network namespace. All of them match every rule. A hundred take a second, in which workers do as they were told.
    pub fn send_traffic(&self, count: u64) {
        let mut state = self.state();
        let State { processes, proxies, namespaces, machines, .. } = &mut *state;
        machines.iter_mut().for_each(|machine| machine.live(count));
        processes.iter_mut().for_each(|process| process.compute(count));
        processes.iter_mut().filter_map(|process| process.cover.as_mut()).for_each(|cover| cover.meet(count));
        namespaces.iter_mut().for_each(|namespace| namespace.carry(count));
        for proxy in proxies {
            if processes
                .iter()
                .any(|process| process.identity == proxy.resolved.identity && process.is_alive())
            {
                proxy.carry(count);
            }
        }
    }

    /// From now on verbs go wrong in this way.
    pub fn make_trouble(&self, trouble: Trouble) {
        self.state().trouble = Some(trouble);
    }

    /// Verbs work again.
    pub fn end_trouble(&self) {
        self.state().trouble = None;
    }

    /// Begins an injection.
    #[must_use]
    pub fn injection(&self, id: InjectionId) -> FakeInjection {
        FakeInjection::new(self.clone(), id)
    }

    /// Carries out an undo record. Twice, or for what never happened, succeeds.
    pub fn undo(&self, verb: &UndoVerb) {
        self.state().undo(verb);
    }

    /// The undo records of an injection, in the order written.
    #[must_use]
    pub fn records(&self, injection: InjectionId) -> Vec<UndoVerb> {
        let record = |entry: &LogEntry| match entry {
            LogEntry::Recorded { injection: owner, undo } if *owner == injection => Some(undo.clone()),
            _ => None,
        };
        self.state().log.iter().filter_map(record).collect()
    }

    /// Everything that was recorded and changed, in that order.
    #[must_use]
    pub fn log(&self) -> Vec<LogEntry> {
        self.state().log.clone()
    }

    /// The world as it is, one line a thing, without counters: equal texts mean that nothing was left behind.
    #[must_use]
    pub fn snapshot(&self) -> String {
        self.state().snapshot()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no test panics while it holds the world")
    }
}

impl World for FakeWorld {
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
impl Processes for FakeWorld {
    async fn state(&self, process: &ProcessIdentity) -> Result<ProcessState, FaultError> {
        let state = self.state();
        Ok(state.process(process).map_or(ProcessState::Gone, |found: &FakeProcess| found.state))
    }

    async fn cpu_group(&self, process: &ProcessIdentity) -> Result<CpuGroup, FaultError> {
        Ok(self.state().living_process(process)?.cpu_group())
    }

    async fn fellows(&self, cgroup: &CgroupIdentity) -> Result<Vec<Fellow>, FaultError> {
        let state = self.state();
        let found = state.processes.iter().filter(|found| found.cpu_group().identity == *cgroup);
        let fellow = |found: &FakeProcess| Fellow { pid: found.identity.pid, command: found.command.clone() };
        Ok(found.map(fellow).collect())
    }

    async fn may_skew(&self, process: &ProcessIdentity, _: &Skew) -> Result<(), FaultError> {
        self.state().living_process(process).map(drop)
    }

    async fn clocks(
        &self,
        process: &ProcessIdentity,
        injection: InjectionId,
    ) -> Result<ClockStatus, FaultError> {
        Ok(self.state().living_process(process)?.clocks(injection))
    }

    async fn may_signal(&self, process: &ProcessIdentity) -> Result<(), FaultError> {
        self.state().may_signal(process)
    }
}

#[async_trait]
impl Proxies for FakeWorld {
    async fn status(&self, proxy: &ResolvedProxy) -> Result<ProxyStatus, FaultError> {
        let mut state = self.state();
        Ok(state.living_proxy(proxy)?.status())
    }
}

#[async_trait]
impl Network for FakeWorld {
    async fn check(&self, namespace: &ResolvedNamespace) -> Result<(), FaultError> {
        self.state().namespace(namespace).map(drop)
    }

    async fn of_process(&self, process: &ResolvedProcess) -> Result<ResolvedNamespace, FaultError> {
        let name = FakeNamespace::name_of(&process.identity);
        let state = self.state();
        let found = state.namespaces.iter().find(|found| found.resolved.title == name);
        let alive = state.process(&process.identity).is_some_and(FakeProcess::is_alive);
        let gone = || FaultError::TargetGone { what: format!("process {}", process.identity) };
        found.filter(|_| alive).map(|found| found.resolved.clone()).ok_or_else(gone)
    }

    async fn backend(
        &self,
        namespace: &ResolvedNamespace,
        _: &Traffic,
        _: &NetworkFault,
    ) -> Result<String, FaultError> {
        self.state().namespace(namespace).map(|_| "fake".to_owned())
    }

    async fn status(
        &self,
        namespace: &ResolvedNamespace,
        injection: InjectionId,
    ) -> Result<NetworkStatus, FaultError> {
        Ok(self.state().namespace(namespace)?.status(&DisturbanceId::tables_of(injection)))
    }
}

#[async_trait]
impl Machine for FakeWorld {
    async fn room(&self, host: &ResolvedHost) -> Result<Room, FaultError> {
        self.state().machine(host)?;
        Ok(FakeWorld::room(self))
    }

    async fn volume(&self, host: &ResolvedHost, _: &Path) -> Result<Volume, FaultError> {
        let volume = FakeWorld::volume(self);
        Ok(self.state().machine(host)?.filled(volume))
    }

    async fn status(&self, host: &ResolvedHost, injection: InjectionId) -> Result<StressStatus, FaultError> {
        let none = StressStatus { boot_id: "another".to_owned(), workers: Vec::new(), volume: None };
        Ok(self.state().machine(host).map_or(none, |machine| machine.status(injection)))
    }
}

#[async_trait]
impl Files for FakeWorld {
    async fn ground(&self, process: &ProcessIdentity, _: &Path) -> Result<Ground, FaultError> {
        let state = self.state();
        state.living_process(process)?;
        let usual = files::usual_ground(process);
        let namespace = usual.namespace.clone();
        Ok(state.ground.clone().map_or(usual, |ground| Ground { namespace, ..ground }))
    }

    async fn status(
        &self,
        process: &ProcessIdentity,
        _: &Path,
        injection: InjectionId,
    ) -> Result<CoverStatus, FaultError> {
        let state = self.state();
        let living = state.living_process(process).ok();
        let ours = living.and_then(|found| found.cover.as_ref()).filter(|cover| cover.is_of(injection));
        let none = CoverStatus { process: process.clone(), source: None, seen: 0, hits: 0 };
        Ok(ours.map_or(none, |cover| cover.status()))
    }
}

/// Runs a future that never waits.
///
/// # Panics
/// When it does wait.
pub fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("something waited that is not this world"),
    }
}

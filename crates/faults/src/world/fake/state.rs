//! What the fake world is made of.

use std::fmt::Write as _;

use steadfast_model::{
    InjectionId, ProcessIdentity,
    cgroup::{CgroupIdentity, CpuGroup, CpuQuota},
    files::Ground,
    network::NetworkFault,
    process::ProcessState,
    proxy::{ProxyStatus, RuleId, RuleStatus},
    skew::ClockStatus,
    stress::{Room, Stress, Volume},
    target::{ResolvedHost, ResolvedNamespace, ResolvedProxy},
    undo::UndoVerb,
};

use super::{FakeMachine, FakeNamespace, files::FakeCover};
use crate::{FaultError, world::NewRule};

/// How verbs go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Undo records cannot be written: the disk is full.
    CannotRecord,
    /// So many more verbs work; the next ones write their record and then fail to change anything.
    FailsAfter(usize),
    /// No process takes a signal from this user.
    Denied,
}

/// What happened in the fake world.
#[derive(Debug, Clone, PartialEq)]
pub enum LogEntry {
    /// An undo record was written.
    Recorded {
        /// For which injection.
        injection: InjectionId,
        /// The way back.
        undo: UndoVerb,
    },
    /// Something changed.
    Changed(String),
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) processes: Vec<FakeProcess>,
    pub(super) proxies: Vec<FakeProxy>,
    pub(super) namespaces: Vec<FakeNamespace>,
    pub(super) machines: Vec<FakeMachine>,
    pub(super) room: Option<Room>,
    pub(super) volume: Option<Volume>,
    pub(super) ground: Option<Ground>,
    pub(super) log: Vec<LogEntry>,
    pub(super) trouble: Option<Trouble>,
}

#[derive(Debug)]
pub(super) struct FakeProcess {
    pub(super) identity: ProcessIdentity,
    pub(super) state: ProcessState,
    pub(super) command: String,
    /// Of its cgroup, in which it is alone.
    pub(super) quota: CpuQuota,
    pub(super) cover: Option<FakeCover>,
    throttled: u64,
    /// Who tells it the wrong time, and how often it was told.
    skewed: Option<(InjectionId, u64)>,
}

#[derive(Debug)]
pub(super) struct FakeProxy {
    pub(super) resolved: ResolvedProxy,
    carried: u64,
    rules: Vec<(RuleStatus, NewRule)>,
}

impl State {
    pub(super) fn start(&mut self, command: &str) -> ProcessIdentity {
        let number = u32::try_from(self.processes.len()).expect("a test starts few processes");
        let identity = ProcessIdentity {
            pid: 4_000 + number,
            start_time: 100 + u64::from(number),
            boot_id: "fake-boot".to_owned(),
        };
        let process = FakeProcess {
            identity: identity.clone(),
            state: ProcessState::Running,
            command: command.to_owned(),
            quota: CpuQuota { quota_micros: None, period_micros: 100_000 },
            cover: None,
            throttled: 0,
            skewed: None,
        };
        self.processes.push(process);
        // Each is in a network namespace of its own.
        let name = FakeNamespace::name_of(&identity);
        self.namespaces.push(FakeNamespace::new(&name, self.namespaces.len()));
        identity
    }

    pub(super) fn process(&self, identity: &ProcessIdentity) -> Option<&FakeProcess> {
        self.processes.iter().find(|process| process.identity == *identity)
    }

    pub(super) fn living_process(&self, identity: &ProcessIdentity) -> Result<&FakeProcess, FaultError> {
        let found = self.process(identity).filter(|found| found.is_alive());
        found.ok_or_else(|| FaultError::TargetGone { what: format!("process {identity}") })
    }

    /// Changes the quota of a process's cgroup, and logs it.
    pub(super) fn throttle(&mut self, identity: &ProcessIdentity, quota: CpuQuota) -> Result<(), FaultError> {
        self.living_process(identity)?;
        self.log.push(LogEntry::Changed(format!("the cgroup of {identity} has less CPU time")));
        let same = |found: &&mut FakeProcess| found.identity == *identity;
        if let Some(found) = self.processes.iter_mut().find(same) {
            found.quota = quota;
        }
        Ok(())
    }

    /// Tells a process the wrong time, and logs it.
    pub(super) fn skew(
        &mut self,
        identity: &ProcessIdentity,
        injection: InjectionId,
    ) -> Result<(), FaultError> {
        self.living_process(identity)?;
        self.log.push(LogEntry::Changed(format!("process {identity} is told another time")));
        let same = |found: &&mut FakeProcess| found.identity == *identity;
        if let Some(found) = self.processes.iter_mut().find(same) {
            found.skewed = Some((injection, 0));
        }
        Ok(())
    }

    /// Covers the files of a process, and logs it.
    pub(super) fn cover(&mut self, cover: FakeCover) -> Result<(), FaultError> {
        let process = cover.cover.process.clone();
        self.living_process(&process)?;
        self.log.push(LogEntry::Changed(format!("the files of {process} are covered")));
        let same = |found: &&mut FakeProcess| found.identity == process;
        if let Some(found) = self.processes.iter_mut().find(same) {
            found.cover = Some(cover);
        }
        Ok(())
    }

    pub(super) fn may_signal(&self, identity: &ProcessIdentity) -> Result<(), FaultError> {
        match self.process(identity) {
            Some(process) if process.is_alive() && self.trouble == Some(Trouble::Denied) => {
                Err(FaultError::Denied {
                    what: format!("signal {identity}"),
                    hint: "run as the user who owns the process, or as root".to_owned(),
                })
            }
            Some(process) if process.is_alive() => Ok(()),
            _ => Err(FaultError::TargetGone { what: format!("process {identity}") }),
        }
    }

    /// Changes a process that has not ended, and logs it.
    pub(super) fn set_process(
        &mut self,
        identity: &ProcessIdentity,
        state: ProcessState,
    ) -> Result<(), FaultError> {
        let process =
            self.processes.iter_mut().find(|process| process.identity == *identity && process.is_alive());
        let process =
            process.ok_or_else(|| FaultError::TargetGone { what: format!("process {identity}") })?;
        process.state = state;
        self.log.push(LogEntry::Changed(format!("process {identity} is {state:?}")));
        Ok(())
    }

    pub(super) fn living_proxy(&mut self, proxy: &ResolvedProxy) -> Result<&mut FakeProxy, FaultError> {
        let answers =
            self.process(&proxy.identity).is_some_and(|process| process.state == ProcessState::Running);
        let found = self.proxies.iter_mut().find(|found| answers && found.resolved.control == proxy.control);
        found.ok_or_else(|| FaultError::TargetGone { what: format!("proxy {}", proxy.name) })
    }

    pub(super) fn add_rule(
        &mut self,
        proxy: &ResolvedProxy,
        id: RuleId,
        rule: NewRule,
    ) -> Result<(), FaultError> {
        self.living_proxy(proxy)?.rules.push((RuleStatus { id, hits: 0, seen: 0 }, rule));
        self.log.push(LogEntry::Changed(format!("proxy {} has a rule more", proxy.name)));
        Ok(())
    }

    pub(super) fn namespace(&self, namespace: &ResolvedNamespace) -> Result<&FakeNamespace, FaultError> {
        let found = self.namespaces.iter().find(|found| found.resolved.identity == namespace.identity);
        found.ok_or_else(|| FaultError::TargetGone { what: format!("network namespace {}", namespace.title) })
    }

    pub(super) fn disturb(
        &mut self,
        namespace: &ResolvedNamespace,
        table: String,
        fault: NetworkFault,
    ) -> Result<(), FaultError> {
        self.namespace(namespace)?;
        self.log.push(LogEntry::Changed(format!("network namespace {} has a table more", namespace.title)));
        let same = |found: &&mut FakeNamespace| found.resolved.identity == namespace.identity;
        self.namespaces
            .iter_mut()
            .find(same)
            .into_iter()
            .for_each(|found| found.add(table.clone(), fault.clone()));
        Ok(())
    }

    pub(super) fn machine(&self, host: &ResolvedHost) -> Result<&FakeMachine, FaultError> {
        let found = self.machines.iter().find(|found| found.resolved == *host);
        found.ok_or_else(|| FaultError::TargetGone { what: format!("machine {}", host.name) })
    }

    pub(super) fn stress(
        &mut self,
        host: &ResolvedHost,
        injection: InjectionId,
        worker: ProcessIdentity,
        stress: Stress,
    ) -> Result<(), FaultError> {
        self.machine(host)?;
        self.log.push(LogEntry::Changed(format!("machine {} has a worker more", host.name)));
        let same = |found: &&mut FakeMachine| found.resolved == *host;
        if let Some(found) = self.machines.iter_mut().find(same) {
            found.add(injection, worker, stress);
        }
        Ok(())
    }

    /// Writes the way back, or fails as the test asked for.
    pub(super) fn begin_verb(&mut self, injection: InjectionId, undo: UndoVerb) -> Result<(), FaultError> {
        if self.trouble == Some(Trouble::CannotRecord) {
            return Err(FaultError::NotRecorded { cause: "no space left on device".to_owned() });
        }
        self.log.push(LogEntry::Recorded { injection, undo });
        match &mut self.trouble {
            Some(Trouble::FailsAfter(0)) => Err(FaultError::World {
                what: "change the world".to_owned(),
                cause: "the test wants it to fail here".to_owned(),
            }),
            Some(Trouble::FailsAfter(left)) => {
                *left -= 1;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    pub(super) fn undo(&mut self, verb: &UndoVerb) {
        match verb {
            UndoVerb::ResumeProcess { process } => {
                for found in self.processes.iter_mut().filter(|found| found.identity == *process) {
                    if found.state == ProcessState::Stopped {
                        found.state = ProcessState::Running;
                    }
                }
            }
            UndoVerb::RemoveRule { control, rule, .. } => {
                for proxy in self.proxies.iter_mut().filter(|proxy| proxy.resolved.control == *control) {
                    proxy.rules.retain(|(status, _)| status.id != *rule);
                }
            }
            UndoVerb::EndWorker { table, .. } => {
                self.namespaces.iter_mut().for_each(|namespace| namespace.remove(table));
            }
            UndoVerb::EndStress { worker, .. } => {
                self.machines.iter_mut().for_each(|machine| machine.remove(worker));
            }
            UndoVerb::UncoverFiles { cover, .. } => {
                let is_it = |found: &FakeProcess| found.cover.as_ref().is_some_and(|is| is.cover == *cover);
                self.processes.iter_mut().filter(|found| is_it(found)).for_each(|found| found.cover = None);
            }
            UndoVerb::RestoreCpuQuota { cgroup, ours_micros, was_micros } => {
                let is_it = |found: &&mut FakeProcess| found.cpu_group().identity == *cgroup;
                for found in self.processes.iter_mut().filter(is_it) {
                    if found.quota.quota_micros == Some(*ours_micros) {
                        found.quota.quota_micros = *was_micros;
                    }
                }
            }
            UndoVerb::RestoreClocks { patch, .. } => {
                let is_its = |found: &&mut FakeProcess| {
                    found.skewed.is_some_and(|(injection, _)| injection == patch.injection)
                };
                self.processes.iter_mut().filter(is_its).for_each(|found| found.skewed = None);
            }
            UndoVerb::Irreversible { .. } => {}
        }
    }

    pub(super) fn snapshot(&self) -> String {
        let mut text = String::new();
        for process in &self.processes {
            let FakeProcess { identity, command, state, quota, cover, .. } = process;
            let cover = cover.as_ref().map(|cover| &cover.cover.source);
            let skewed = process.skewed.map(|(injection, _)| injection);
            writeln!(text, "process {identity} {command}: {state:?} {quota:?} {cover:?} {skewed:?}")
                .expect("writing to a String does not fail");
        }
        for proxy in &self.proxies {
            let rules: Vec<_> = proxy.rules.iter().map(|(status, rule)| (status.id, rule)).collect();
            writeln!(text, "proxy {}: {rules:?}", proxy.resolved.name)
                .expect("writing to a String does not fail");
        }
        self.namespaces.iter().for_each(|namespace| text += &namespace.snapshot());
        self.machines.iter().for_each(|machine| text += &machine.snapshot());
        text
    }
}

impl FakeProcess {
    pub(super) fn is_alive(&self) -> bool {
        !matches!(self.state, ProcessState::Dead | ProcessState::Gone)
    }

    pub(super) fn cpu_group(&self) -> CpuGroup {
        let pid = self.identity.pid;
        let identity = CgroupIdentity {
            folder: format!("/cgroup/{pid}").into(),
            inode: u64::from(pid),
            boot_id: self.identity.boot_id.clone(),
            unified: true,
        };
        CpuGroup {
            identity,
            is_root: false,
            quota: self.quota,
            tightest: None,
            throttled: self.throttled,
            throttled_nanos: self.throttled * 50_000_000,
        }
    }

    pub(super) fn clocks(&self, injection: InjectionId) -> ClockStatus {
        let told = self.skewed.filter(|(whose, _)| *whose == injection).map(|(_, told)| told);
        ClockStatus { identity: self.identity.clone(), told }
    }

    /// Uses all the CPU time there is, for so many periods, and reads its clocks in each.
    pub(super) fn compute(&mut self, periods: u64) {
        if let Some((_, told)) = &mut self.skewed {
            *told += periods;
        }
        if self.quota.quota_micros.is_some() {
            self.throttled += periods;
        }
    }
}

impl FakeProxy {
    pub(super) fn new(resolved: ResolvedProxy) -> Self {
        Self { resolved, carried: 0, rules: Vec::new() }
    }

    /// Chance is exact here: 10 % of 100 are 10, of those that `first` and `every` leave.
    #[expect(clippy::cast_precision_loss, reason = "tests send few requests")]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a count is a count"
    )]
    pub(super) fn carry(&mut self, count: u64) {
        self.carried += count;
        for (status, rule) in &mut self.rules {
            status.seen += count;
            let matching = rule.fault.matching();
            let first = matching.and_then(|matching| matching.first).unwrap_or(u64::MAX);
            let every = matching.and_then(|matching| matching.every).unwrap_or(1).max(1);
            let left = status.seen.min(first) / every;
            status.hits = (left as f64 * rule.percent.fraction()).floor() as u64;
        }
    }

    pub(super) fn status(&self) -> ProxyStatus {
        ProxyStatus {
            name: self.resolved.name.clone(),
            identity: self.resolved.identity.clone(),
            listen: self.resolved.listen.clone(),
            upstream: self.resolved.upstream.clone(),
            protocol: self.resolved.protocol,
            open_connections: 0,
            connections: self.carried,
            requests: self.carried,
            unreadable: 0,
            bytes: self.carried * 1_000,
            rules: self.rules.iter().map(|(status, _)| status.clone()).collect(),
        }
    }
}

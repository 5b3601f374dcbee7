//! The verbs of the fake world.

use std::path::Path;

use async_trait::async_trait;
use steadfast_model::{
    InjectionId, ProcessIdentity,
    files::{Cover, FileRule},
    network::{DisturbanceId, NetworkFault, Traffic},
    process::{ProcessState, Signal},
    proxy::RuleId,
    skew::{ClockPatch, Skew},
    stress::Stress,
    target::{ResolvedHost, ResolvedNamespace, ResolvedProxy},
    undo::UndoVerb,
};

use super::{FakeWorld, files::FakeCover};
use crate::{
    FaultError,
    world::{Injection, NewRule, World},
};

/// One injection into a [`FakeWorld`]. Like the real one it records before it changes.
#[derive(Debug)]
pub struct FakeInjection {
    world: FakeWorld,
    id: InjectionId,
    rules: u32,
}

impl FakeInjection {
    pub(super) fn new(world: FakeWorld, id: InjectionId) -> Self {
        Self { world, id, rules: 0 }
    }
}

#[async_trait]
impl Injection for FakeInjection {
    fn world(&self) -> &dyn World {
        &self.world
    }

    async fn pause_process(&mut self, process: &ProcessIdentity) -> Result<(), FaultError> {
        let mut state = self.world.state();
        state.may_signal(process)?;
        state.begin_verb(self.id, UndoVerb::ResumeProcess { process: process.clone() })?;
        state.set_process(process, ProcessState::Stopped)
    }

    async fn kill_process(&mut self, process: &ProcessIdentity, signal: Signal) -> Result<(), FaultError> {
        let mut state = self.world.state();
        state.may_signal(process)?;
        state.begin_verb(self.id, UndoVerb::Irreversible { what: format!("sent {signal} to {process}") })?;
        state.set_process(process, ProcessState::Gone)
    }

    async fn throttle_process(&mut self, process: &ProcessIdentity, millis: u64) -> Result<(), FaultError> {
        let mut state = self.world.state();
        let group = state.living_process(process)?.cpu_group();
        let ours = group.quota.with_millis(millis);
        let undo = UndoVerb::RestoreCpuQuota {
            cgroup: group.identity,
            ours_micros: ours.quota_micros.unwrap_or_default(),
            was_micros: group.quota.quota_micros,
        };
        state.begin_verb(self.id, undo)?;
        state.throttle(process, ours)
    }

    async fn skew_clocks(&mut self, process: &ProcessIdentity, _: &Skew) -> Result<(), FaultError> {
        let mut state = self.world.state();
        state.living_process(process)?;
        let patch = ClockPatch { injection: self.id, block: 0, counter: 0, sites: Vec::new() };
        let undo = UndoVerb::RestoreClocks { process: process.clone(), patch: Box::new(patch) };
        state.begin_verb(self.id, undo)?;
        state.skew(process, self.id)
    }

    async fn apply_rule(&mut self, proxy: &ResolvedProxy, rule: NewRule) -> Result<(), FaultError> {
        let mut state = self.world.state();
        state.living_proxy(proxy)?;
        let id = RuleId { injection: self.id, number: self.rules };
        self.rules += 1;
        state.begin_verb(
            self.id,
            UndoVerb::RemoveRule { control: proxy.control.clone(), proxy: proxy.identity.clone(), rule: id },
        )?;
        state.add_rule(proxy, id, rule)
    }

    async fn disturb_network(
        &mut self,
        namespace: &ResolvedNamespace,
        _: &Traffic,
        fault: &NetworkFault,
    ) -> Result<(), FaultError> {
        let mut state = self.world.state();
        state.namespace(namespace)?;
        let id = DisturbanceId { injection: self.id, number: self.rules };
        self.rules += 1;
        // Nothing looks at it: ending a worker that is no process of this world takes its table away.
        let worker =
            ProcessIdentity { pid: 1 + self.rules, start_time: 0, boot_id: "fake-worker".to_owned() };
        let identity = namespace.identity.clone();
        state.begin_verb(
            self.id,
            UndoVerb::EndWorker { worker, namespace: identity, table: id.table(), qdisc: None },
        )?;
        state.disturb(namespace, id.table(), fault.clone())
    }

    async fn cover_files(
        &mut self,
        process: &ProcessIdentity,
        path: &Path,
        rule: &FileRule,
    ) -> Result<(), FaultError> {
        let mut state = self.world.state();
        state.living_process(process)?;
        let pid = 9_000 + u32::try_from(state.log.len()).expect("a test does little");
        let worker = ProcessIdentity { pid, start_time: 0, boot_id: "fake-worker".to_owned() };
        let source = format!("{}{}", Cover::sources_of(self.id), self.rules);
        self.rules += 1;
        let cover = FakeCover::new(process, path, source, rule.clone());
        state.begin_verb(self.id, UndoVerb::UncoverFiles { worker, cover: cover.cover.clone() })?;
        state.cover(cover)
    }

    async fn stress_machine(&mut self, host: &ResolvedHost, stress: &Stress) -> Result<(), FaultError> {
        let mut state = self.world.state();
        state.machine(host)?;
        let pid = 9_000 + u32::try_from(state.log.len()).expect("a test does little");
        let worker = ProcessIdentity { pid, start_time: 0, boot_id: "fake-worker".to_owned() };
        let undo = UndoVerb::EndStress { worker: worker.clone(), stress: stress.clone() };
        state.begin_verb(self.id, undo)?;
        state.stress(host, self.id, worker, stress.clone())
    }
}

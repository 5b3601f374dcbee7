//! The verbs, on this machine: each writes the way back down, durably, and only then changes anything.

use std::{path::Path, time::Duration};

use async_trait::async_trait;
use steadfast_faults::{
    FaultError,
    world::{Injection, NewRule, World},
};
use steadfast_ledger::Page;
use steadfast_linux::{
    cpu_group::{Changed, change_quota},
    files::mount_namespace,
};
use steadfast_model::{
    BootTime, InjectionId, ProcessIdentity,
    files::{Cover, CoverOrder, FileRule},
    network::{Backend, Disturbance, DisturbanceId, NetworkFault, Traffic, WorkerAnswer, WorkerRequest},
    process::{ProcessState, Signal},
    proxy::{ProxyRequest, ProxyRule, RuleId},
    skew::Skew,
    stress::{Stress, StressOrder},
    target::{ResolvedHost, ResolvedNamespace, ResolvedProcess, ResolvedProxy, ResolvedTarget},
    undo::{HeldQdisc, UndoVerb},
};

use crate::{
    Timing, control,
    error::linux_for_fault,
    workshop::{GivenWorker, Workshop},
    world::{LocalWorld, clocks, control_for_fault, files, groups, hold, machine, network},
};

/// How often a process that was told to stop is looked at: for 500 ms. Later, verifying the effect tells.
const LOOKS: u32 = 250;
const BETWEEN_LOOKS: Duration = Duration::from_millis(2);

/// A rule that was given to a proxy, so that its lease can be moved.
#[derive(Debug, Clone)]
pub(crate) struct GivenRule {
    pub proxy: ResolvedProxy,
    pub rule: RuleId,
}

/// An injection while it is being put in place. It holds its page, and with it the lock on its file, all the time.
pub(crate) struct LiveInjection {
    pub world: LocalWorld,
    pub timing: Timing,
    /// Away only while it is being written.
    pub page: Option<Box<Page>>,
    pub injection: InjectionId,
    pub deadline: BootTime,
    pub lease: BootTime,
    pub rules: Vec<GivenRule>,
    pub workshop: Workshop,
    pub stress_workshop: Workshop,
    pub file_workshop: Workshop,
    pub workers: Vec<GivenWorker>,
    /// What is covered, and by which of the workers.
    pub covers: Vec<(Cover, GivenWorker)>,
}

impl LiveInjection {
    /// Writes on a thread that may wait for the disk. When this returns, the record is durable.
    async fn record(&mut self, verb: UndoVerb, key: String) -> Result<(), FaultError> {
        let not_recorded = |cause: String| FaultError::NotRecorded { cause };
        let mut page = self.page.take().ok_or_else(|| not_recorded("its file is closed".to_owned()))?;
        let written = tokio::task::spawn_blocking(move || {
            let written = page.record(&verb, vec![key]);
            (page, written)
        });
        let (page, written) = written.await.map_err(|error| not_recorded(error.to_string()))?;
        self.page = Some(page);
        written.map_err(|error| not_recorded(error.with_causes()))
    }
}

#[async_trait]
impl Injection for LiveInjection {
    fn world(&self) -> &dyn World {
        &self.world
    }

    async fn pause_process(&mut self, process: &ProcessIdentity) -> Result<(), FaultError> {
        self.signal(process, Signal::Stop, UndoVerb::ResumeProcess { process: process.clone() }).await?;
        // A signal acts when its process next leaves the kernel: at once, unless it waits for a disk.
        for _ in 0..LOOKS {
            if steadfast_linux::process_state(process).map_err(linux_for_fault)? != ProcessState::Running {
                break;
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
        Ok(())
    }

    async fn kill_process(&mut self, process: &ProcessIdentity, signal: Signal) -> Result<(), FaultError> {
        let undo = match signal {
            Signal::Stop => UndoVerb::ResumeProcess { process: process.clone() },
            _ => UndoVerb::Irreversible { what: format!("{signal} sent to process {process}") },
        };
        self.signal(process, signal, undo).await
    }

    async fn throttle_process(&mut self, process: &ProcessIdentity, millis: u64) -> Result<(), FaultError> {
        let group = groups::of(process)?;
        // Once more, as close to the change as can be: somebody may have moved there since.
        groups::fellows(&self.world, &group.identity).await?;
        let (cgroup, was_micros) = (group.identity, group.quota.quota_micros);
        let ours = group.quota.with_millis(millis).quota_micros;
        let undo = UndoVerb::RestoreCpuQuota {
            cgroup: cgroup.clone(),
            ours_micros: ours.unwrap_or_default(),
            was_micros,
        };
        let target = ResolvedProcess::new(process.clone(), "");
        self.record(undo, ResolvedTarget::Process(target).key()).await?;
        match change_quota(&cgroup, was_micros, ours).map_err(groups::for_fault)? {
            Changed::Done => Ok(()),
            Changed::Gone => Err(FaultError::TargetGone { what: cgroup.to_string() }),
            Changed::Differs(_) => Err(FaultError::World {
                what: format!("throttle {cgroup}"),
                cause: "somebody else changed its limit at the same time".to_owned(),
            }),
        }
    }

    async fn skew_clocks(&mut self, process: &ProcessIdentity, skew: &Skew) -> Result<(), FaultError> {
        clocks::may_skew(process, skew)?;
        let patch = clocks::plan(process, skew, self.injection)?;
        let undo = UndoVerb::RestoreClocks { process: process.clone(), patch: Box::new(patch.clone()) };
        let target = ResolvedProcess::new(process.clone(), "");
        self.record(undo, ResolvedTarget::Process(target).key()).await?;
        clocks::put_in_place(process, patch, skew).await
    }

    async fn apply_rule(&mut self, proxy: &ResolvedProxy, rule: NewRule) -> Result<(), FaultError> {
        // Before anything is written down: a proxy that is not there needs no record.
        hold(&proxy.identity)
            .map_err(|_| FaultError::TargetGone { what: format!("proxy {}", proxy.name) })?;
        let number = u32::try_from(self.rules.len()).expect("an injection has fewer than 2^32 targets");
        let id = RuleId { injection: self.injection, number };
        let (control, identity) = (proxy.control.clone(), proxy.identity.clone());
        let undo = UndoVerb::RemoveRule { control, proxy: identity, rule: id };
        self.record(undo, ResolvedTarget::Proxy(proxy.clone()).key()).await?;
        self.rules.push(GivenRule { proxy: proxy.clone(), rule: id });
        let NewRule { fault, percent, seed } = rule;
        let rule = ProxyRule { id, fault, percent, seed, deadline: self.deadline, lease: self.lease };
        let request = ProxyRequest::Apply(rule);
        let asked =
            control::ask(&proxy.control, Some(&proxy.identity), &request, self.timing.proxy_answer).await;
        let status = asked.map_err(|error| control_for_fault(&error, proxy))?;
        if status.rules.iter().any(|found| found.id == id) {
            return Ok(());
        }
        Err(FaultError::World {
            what: format!("make proxy {} do it", proxy.name),
            cause: "it says that it did, but shows no such rule".to_owned(),
        })
    }

    async fn disturb_network(
        &mut self,
        namespace: &ResolvedNamespace,
        traffic: &Traffic,
        fault: &NetworkFault,
    ) -> Result<(), FaultError> {
        // Before anything is written down: a namespace that is not there needs no record.
        drop(network::open(namespace)?);
        let failed = |cause: String| FaultError::World {
            what: format!("disturb network namespace {}", namespace.title),
            cause,
        };
        let fault = network::decide(namespace, traffic, fault).await?;
        // It has changed nothing yet, and ends with us: only now it can be named in a record.
        let worker = self.workshop.start(self.timing.patience).await.map_err(failed)?;
        let number = u32::try_from(self.workers.len()).expect("an injection has fewer than 2^32 targets");
        let id = DisturbanceId { injection: self.injection, number };
        let undo = UndoVerb::EndWorker {
            worker: worker.identity.clone(),
            namespace: namespace.identity.clone(),
            table: id.table(),
            qdisc: (fault.backend() == Backend::Netem).then(|| HeldQdisc {
                path: namespace.path.clone(),
                major: DisturbanceId::qdisc_of(self.injection),
            }),
        };
        self.record(undo, ResolvedTarget::Netns(namespace.clone()).key()).await?;
        self.workers.push(worker.clone());
        let disturbance = Disturbance {
            id,
            namespace: namespace.identity.clone(),
            path: namespace.path.clone(),
            traffic: traffic.clone(),
            fault,
            deadline: self.deadline,
            lease: self.lease,
        };
        let order = WorkerRequest::Hold(Box::new(disturbance));
        match worker.ask(&order, self.timing.patience).await.map_err(|error| failed(error.to_string()))? {
            WorkerAnswer::Done {} => Ok(()),
            WorkerAnswer::Refused { message, denied: true, .. } => {
                Err(network::for_fault(steadfast_linux::LinuxError::Denied { what: message }))
            }
            WorkerAnswer::Refused { message, missing: true, .. } => {
                Err(FaultError::Unsupported { what: message, hint: None })
            }
            WorkerAnswer::Refused { message, .. } => Err(failed(message)),
            WorkerAnswer::Ready { .. } => Err(failed("the worker answers something else".to_owned())),
        }
    }

    async fn cover_files(
        &mut self,
        process: &ProcessIdentity,
        path: &Path,
        rule: &FileRule,
    ) -> Result<(), FaultError> {
        let gone = || FaultError::TargetGone { what: format!("process {process}") };
        drop(hold(process)?);
        let namespace = mount_namespace(process.pid).map_err(files::for_fault)?.ok_or_else(gone)?;
        let target = ResolvedProcess::new(process.clone(), "");
        let key = ResolvedTarget::Process(target).key();
        // One cover is seen by everybody in its mount namespace.
        let same = |(cover, _): &&(Cover, GivenWorker)| cover.namespace == namespace && cover.path == path;
        if let Some((cover, worker)) = self.covers.iter().find(same) {
            let (worker, cover) = (worker.identity.clone(), cover.clone());
            return self.record(UndoVerb::UncoverFiles { worker, cover }, key).await;
        }
        let failed = |cause: String| FaultError::World { what: format!("disturb {}", path.display()), cause };
        // It does nothing yet, and ends with us: only now it can be named in a record.
        let worker = self.file_workshop.start(self.timing.patience).await.map_err(failed)?;
        let source = format!("{}{}", Cover::sources_of(self.injection), self.covers.len());
        let cover = Cover { process: process.clone(), namespace, path: path.to_owned(), source };
        let undo = UndoVerb::UncoverFiles { worker: worker.identity.clone(), cover: cover.clone() };
        self.record(undo, key).await?;
        self.workers.push(worker.clone());
        self.covers.push((cover.clone(), worker.clone()));
        let order = CoverOrder { cover, rule: rule.clone(), deadline: self.deadline, lease: self.lease };
        let order = WorkerRequest::Cover(Box::new(order));
        match worker.ask(&order, self.timing.patience).await.map_err(|error| failed(error.to_string()))? {
            WorkerAnswer::Done {} => Ok(()),
            WorkerAnswer::Refused { message, denied: true, .. } => {
                Err(files::for_fault(steadfast_linux::LinuxError::Denied { what: message }))
            }
            WorkerAnswer::Refused { message, missing: true, .. } => {
                Err(FaultError::Unsupported { what: message, hint: None })
            }
            WorkerAnswer::Refused { message, .. } => Err(failed(message)),
            WorkerAnswer::Ready { .. } => Err(failed("the worker answers something else".to_owned())),
        }
    }

    async fn stress_machine(&mut self, host: &ResolvedHost, stress: &Stress) -> Result<(), FaultError> {
        // Before anything is written down: a machine that has booted again needs no record.
        machine::check(host)?;
        let failed =
            |cause: String| FaultError::World { what: format!("put load on machine {}", host.name), cause };
        // It does nothing yet, and ends with us: only now it can be named in a record.
        let worker = self.stress_workshop.start(self.timing.patience).await.map_err(failed)?;
        let undo = UndoVerb::EndStress { worker: worker.identity.clone(), stress: stress.clone() };
        self.record(undo, ResolvedTarget::Host(host.clone()).key()).await?;
        self.workers.push(worker.clone());
        let order = StressOrder { stress: stress.clone(), deadline: self.deadline, lease: self.lease };
        let order = WorkerRequest::Stress(Box::new(order));
        match worker.ask(&order, self.timing.patience).await.map_err(|error| failed(error.to_string()))? {
            WorkerAnswer::Done {} => Ok(()),
            WorkerAnswer::Refused { message, denied: true, .. } => {
                Err(linux_for_fault(steadfast_linux::LinuxError::Denied { what: message }))
            }
            WorkerAnswer::Refused { message, missing: true, .. } => {
                Err(FaultError::Unsupported { what: message, hint: None })
            }
            WorkerAnswer::Refused { message, .. } => Err(failed(message)),
            WorkerAnswer::Ready { .. } => Err(failed("the worker answers something else".to_owned())),
        }
    }
}

impl LiveInjection {
    async fn signal(
        &mut self,
        process: &ProcessIdentity,
        signal: Signal,
        undo: UndoVerb,
    ) -> Result<(), FaultError> {
        let handle = hold(process)?;
        handle.may_signal().map_err(linux_for_fault)?;
        let target = ResolvedProcess::new(process.clone(), "");
        self.record(undo, ResolvedTarget::Process(target).key()).await?;
        match handle.signal(signal).map_err(linux_for_fault)? {
            true => Ok(()),
            false => Err(FaultError::TargetGone { what: format!("process {process}") }),
        }
    }
}

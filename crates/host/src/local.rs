//! This machine as the engine's host.

use std::{
    collections::HashMap,
    ffi::OsString,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use steadfast_engine::host::{Capability, Host, HostError, HostErrorKind, InjectionOrder, RevertError};
use steadfast_faults::{FaultSpec, Preview};
use steadfast_ledger::{Ledger, Listed, StateDir};
use steadfast_linux::{SystemClock, own_identity};
use steadfast_model::{Binding, Clock, InjectionId, Observation, ProcessIdentity, ResolvedTarget, Target};

use crate::{
    Timing,
    error::{from_fault, from_ledger, from_linux, host_error},
    inventory,
    policy::{self, Policies},
    protect,
    reaper::ReaperKeeper,
    resolve::{self, Means},
    revert::Undoer,
    workshop::Workshop,
    world::LocalWorld,
};

mod inject;
mod lease;
mod slot;
mod withdraw;

use slot::Slot;

/// Faults on this machine, put in place by this process.
///
/// Dropping it reverts nothing: as long as this process lives it must revert, and when it does not renew a lease it is
/// ended by the reaper, which then reverts.
pub struct LocalHost {
    inner: Arc<Inner>,
}

/// What a local host needs.
#[derive(Debug, Clone)]
pub struct LocalHostOptions {
    /// Where state is kept.
    pub state: StateDir,
    /// What names stand for.
    pub binding: Binding,
    /// What starts a reaper for `state`: a program and its arguments.
    pub reaper: Vec<OsString>,
    /// Time limits.
    pub timing: Timing,
}

pub(crate) struct Inner {
    ledger: Ledger,
    clock: Arc<dyn Clock>,
    timing: Timing,
    own: ProcessIdentity,
    binding: Binding,
    world: LocalWorld,
    policies: Policies,
    keeper: ReaperKeeper,
    undoer: Undoer,
    workshop: Workshop,
    stress_workshop: Workshop,
    file_workshop: Workshop,
    slots: Mutex<HashMap<InjectionId, Arc<Slot>>>,
}

impl LocalHost {
    /// A host for this process and user.
    ///
    /// # Errors
    /// When `/proc` does not tell what this process or boot is.
    pub fn new(options: LocalHostOptions) -> Result<Self, HostError> {
        let LocalHostOptions { state, binding, reaper, timing } = options;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new().map_err(|error| from_linux(&error))?);
        let ledger = Ledger::new(state.clone());
        let undoer = Undoer { ledger: ledger.clone(), clock: clock.clone(), timing, carries_out: true };
        let world = LocalWorld::new(timing, ledger.clone()).with_binding(binding.clone());
        let inner = Inner {
            ledger,
            clock,
            timing,
            own: own_identity().map_err(|error| from_linux(&error))?,
            binding,
            world,
            workshop: Workshop { command: Vec::new(), dir: state.clone() },
            stress_workshop: Workshop { command: Vec::new(), dir: state.clone() },
            file_workshop: Workshop { command: Vec::new(), dir: state.clone() },
            policies: Policies::default(),
            keeper: ReaperKeeper::new(state, reaper, timing),
            undoer,
            slots: Mutex::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The same, with what starts a worker: a program and its arguments. Without it there are no network faults.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "called before anything else holds the host")]
    pub fn with_worker(mut self, command: Vec<OsString>) -> Self {
        Arc::get_mut(&mut self.inner).expect("a new host is held once").workshop.command = command;
        self
    }

    /// The same, with what starts a worker that puts load on this machine. Without it there are no stress faults.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "called before anything else holds the host")]
    pub fn with_stress_worker(mut self, command: Vec<OsString>) -> Self {
        Arc::get_mut(&mut self.inner).expect("a new host is held once").stress_workshop.command = command;
        self
    }

    /// The same, with what starts a worker that disturbs files. Without it there are no io faults.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "called before anything else holds the host")]
    pub fn with_file_worker(mut self, command: Vec<OsString>) -> Self {
        Arc::get_mut(&mut self.inner).expect("a new host is held once").file_workshop.command = command;
        self
    }

    /// The same, with the limits of these files instead of this machine's alone. [`Policies`] cannot leave out the
    /// machine's.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "called before anything else holds the host")]
    pub fn with_policies(mut self, policies: Policies) -> Self {
        Arc::get_mut(&mut self.inner).expect("a new host is held once").policies = policies;
        self
    }

    /// The same, but reverting only says that it did. It proves that tests see faults that stay.
    #[cfg(feature = "sabotage")]
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "called before anything else holds the host")]
    pub fn without_undo_for_tests(mut self) -> Self {
        Arc::get_mut(&mut self.inner).expect("a new host is held once").undoer.carries_out = false;
        self
    }
}

impl Inner {
    fn slot(&self, injection: InjectionId) -> Arc<Slot> {
        self.slots().entry(injection).or_default().clone()
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<InjectionId, Arc<Slot>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn check(&self, fault: &FaultSpec, targets: &[ResolvedTarget]) -> Result<Preview, HostError> {
        protect::check(targets, &self.ledger, &self.own, &self.binding).await?;
        self.policies.load()?.check_targets(fault, targets)?;
        let looked = fault.as_fault().preflight(&self.world, targets).await;
        looked.map_err(|error| from_fault(&error))
    }

    /// What is live in this ledger, whoever put it in place.
    fn live_now(&self) -> Result<policy::Live, HostError> {
        let live = self.ledger.live().map_err(|error| from_ledger(&error))?;
        let targets = live.iter().map(|listed| match listed {
            Listed::Account(account) => account.opening.as_ref().map_or(1, |opening| opening.targets.len()),
            // A file that cannot be read may stand for anything: for one target at least.
            _ => 1,
        });
        Ok(policy::Live { faults: live.len(), targets: targets.sum() })
    }

    /// The keys of live injections that belong to these targets.
    fn held(&self, targets: &[ResolvedTarget]) -> Result<Vec<String>, HostError> {
        let live = self.ledger.live().map_err(|error| from_ledger(&error))?;
        let prefixes: Vec<String> = targets.iter().map(|target| format!("{}/", target.key())).collect();
        let mut held = Vec::new();
        for listed in &live {
            let Listed::Account(account) = listed else { continue };
            let ours = |key: &&str| prefixes.iter().any(|prefix| key.starts_with(prefix));
            held.extend(account.keys().into_iter().filter(ours).map(str::to_owned));
        }
        Ok(held)
    }
}

#[async_trait]
impl Host for LocalHost {
    async fn inventory(&self) -> Vec<Capability> {
        inventory::inventory(self.inner.ledger.dir(), &self.inner.keeper, &self.inner.policies).await
    }

    async fn resolve(&self, target: &Target) -> Result<Vec<ResolvedTarget>, HostError> {
        let Inner { binding, timing, ledger, own, .. } = &*self.inner;
        resolve::resolve(target, &Means { binding, timing, ledger, own }).await
    }

    async fn preflight(&self, fault: &FaultSpec, targets: &[ResolvedTarget]) -> Result<Preview, HostError> {
        match self.inner.check(fault, targets).await {
            Ok(preview) => {
                self.inner.ledger.check_conflicts(&preview.keys).map_err(|error| from_ledger(&error))?;
                Ok(preview)
            }
            // What a live injection has done can be the very reason, and its name helps more than the state it made:
            // a process that we paused must not be woken by hand.
            Err(error) if error.kind == HostErrorKind::Unsupported => {
                let held = self.inner.held(targets)?;
                self.inner.ledger.check_conflicts(&held).map_err(|error| from_ledger(&error))?;
                Err(error)
            }
            Err(error) => Err(error),
        }
    }

    async fn inject(&self, order: &InjectionOrder) -> Result<(), HostError> {
        // On a task of its own: a caller that goes away does not leave half an injection behind.
        let (inner, order) = (self.inner.clone(), order.clone());
        let task = tokio::spawn(async move { inner.inject(order).await });
        let broken = |error: tokio::task::JoinError| {
            host_error(HostErrorKind::Other, format!("inject: {error}"), None)
        };
        task.await.map_err(broken)?
    }

    async fn renew(&self, injection: InjectionId) -> Result<(), HostError> {
        self.inner.renew(injection).await
    }

    async fn revert(&self, injection: InjectionId) -> Result<(), RevertError> {
        let inner = self.inner.clone();
        let task = tokio::spawn(async move { inner.revert(injection).await });
        let broken = |error: tokio::task::JoinError| RevertError {
            message: format!("revert: {error}"),
            abandoned: false,
            manual: vec!["steadfast recover".to_owned()],
        };
        task.await.map_err(broken)?
    }

    async fn observe(
        &self,
        fault: &FaultSpec,
        targets: &[ResolvedTarget],
        injection: InjectionId,
    ) -> Result<Observation, HostError> {
        let looked = fault.as_fault().observe(&self.inner.world, targets, injection).await;
        looked.map_err(|error| from_fault(&error))
    }
}

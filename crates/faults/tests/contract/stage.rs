//! A world with two targets for a fault, and what can be done with it.

use steadfast_faults::{
    Fault, FaultError,
    world::fake::{FakeWorld, at_once},
};
use steadfast_model::{
    Effect, InjectionId, Observation, ResolvedTarget, Target, process::ProcessState, proxy::Protocol,
};

/// A world with two targets of one sort and one of the other, which a fault does not fit.
pub(crate) struct Stage {
    pub(crate) world: FakeWorld,
    pub(crate) targets: Vec<ResolvedTarget>,
    pub(crate) misfit: ResolvedTarget,
    pub(crate) id: InjectionId,
}

impl Stage {
    /// For the sort of target that an example names.
    pub(crate) fn fit_for(target: &Target) -> Self {
        match target {
            Target::Process(_) | Target::Container(_) | Target::Service(_) => Self::with_processes(),
            Target::Connection(_) | Target::Proxy(_) => Self::with_proxies(Protocol::Http),
            Target::Netns(_) => Self::with_namespaces(),
            Target::Host(_) => Self::with_hosts(),
        }
    }

    pub(crate) fn with_namespaces() -> Self {
        let world = FakeWorld::new();
        let targets = vec![world.add_namespace("shop"), world.add_namespace("bank")];
        let misfit = world.add_proxy("payments-risk", Protocol::Http);
        Self { world, targets, misfit, id: InjectionId::new() }
    }

    pub(crate) fn with_hosts() -> Self {
        let world = FakeWorld::new();
        let targets = vec![world.add_host("shop-1"), world.add_host("shop-2")];
        let misfit = world.add_process("wallet");
        Self { world, targets, misfit, id: InjectionId::new() }
    }

    pub(crate) fn with_processes() -> Self {
        let world = FakeWorld::new();
        let targets = vec![world.add_process("wallet"), world.add_process("risk")];
        let misfit = world.add_proxy("payments-risk", Protocol::Http);
        Self { world, targets, misfit, id: InjectionId::new() }
    }

    pub(crate) fn with_proxies(protocol: Protocol) -> Self {
        let world = FakeWorld::new();
        let targets =
            vec![world.add_proxy("payments-risk", protocol), world.add_proxy("payments-wallet", protocol)];
        let misfit = world.add_process("wallet");
        Self { world, targets, misfit, id: InjectionId::new() }
    }

    pub(crate) fn inject(&self, fault: &dyn Fault) -> Result<(), FaultError> {
        at_once(fault.inject(&mut self.world.injection(self.id), &self.targets))
    }

    pub(crate) fn observe(&self, fault: &dyn Fault) -> Observation {
        at_once(fault.observe(&self.world, &self.targets, self.id)).expect("the fake world can be looked at")
    }

    pub(crate) fn effect_since(&self, before: &Observation, fault: &dyn Fault) -> Effect {
        fault.judge(before, &self.observe(fault))
    }

    /// Undoes what was recorded, the last first.
    pub(crate) fn revert(&self) {
        for record in self.world.records(self.id).iter().rev() {
            self.world.undo(record);
        }
    }

    /// Ends the processes behind all targets, and removes their network namespaces.
    pub(crate) fn end_targets(&self) {
        for target in &self.targets {
            let identity = match target {
                ResolvedTarget::Process(process) => &process.identity,
                ResolvedTarget::Proxy(proxy) => &proxy.identity,
                ResolvedTarget::Netns(namespace) => {
                    self.world.remove_namespace(namespace);
                    continue;
                }
                ResolvedTarget::Host(host) => {
                    self.world.remove_host(host);
                    continue;
                }
            };
            self.world.set_process(identity, ProcessState::Gone);
        }
    }
}

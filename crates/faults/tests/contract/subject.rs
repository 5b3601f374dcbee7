//! A fault under test, as it is or sabotaged.

use async_trait::async_trait;
use steadfast_faults::{
    Fault, FaultError, FaultSpec, Preview,
    world::{Injection, World, fake::FakeWorld},
};
use steadfast_model::{Effect, InjectionId, Observation, Problems, ResolvedTarget, process::ProcessState};

/// What a careless fault might do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sabotage {
    None,
    InjectsNothing,
    ForgetsTheLastTarget,
    ChangesWithoutAVerb,
    ChangesInPreflight,
    TakesAnyTarget,
    SwallowsErrors,
    HoldsNoKeys,
    AlwaysClaimsAnEffect,
    NeverSeesAnEffect,
    MisstatesReversibility,
}

impl Sabotage {
    pub(crate) const ALL: [Self; 10] = [
        Self::InjectsNothing,
        Self::ForgetsTheLastTarget,
        Self::ChangesWithoutAVerb,
        Self::ChangesInPreflight,
        Self::TakesAnyTarget,
        Self::SwallowsErrors,
        Self::HoldsNoKeys,
        Self::AlwaysClaimsAnEffect,
        Self::NeverSeesAnEffect,
        Self::MisstatesReversibility,
    ];
}

/// A fault and how it is sabotaged.
pub(crate) struct Subject {
    fault: FaultSpec,
    sabotage: Sabotage,
    /// The way around the verbs.
    world: FakeWorld,
}

impl Subject {
    pub(crate) fn new(fault: FaultSpec, sabotage: Sabotage, world: &FakeWorld) -> Self {
        Self { fault, sabotage, world: world.clone() }
    }

    fn stop_behind_the_back(&self, target: &ResolvedTarget) {
        let identity = match target {
            ResolvedTarget::Process(process) => &process.identity,
            ResolvedTarget::Proxy(proxy) => &proxy.identity,
            ResolvedTarget::Netns(namespace) => return self.world.remove_namespace(namespace),
            ResolvedTarget::Host(host) => return self.world.remove_host(host),
        };
        self.world.set_process(identity, ProcessState::Stopped);
    }
}

#[async_trait]
impl Fault for Subject {
    fn check(&self, problems: &mut Problems) {
        self.fault.as_fault().check(problems);
    }

    async fn preflight(&self, world: &dyn World, targets: &[ResolvedTarget]) -> Result<Preview, FaultError> {
        let result = self.fault.as_fault().preflight(world, targets).await;
        match (self.sabotage, result) {
            (Sabotage::ChangesInPreflight, Ok(preview)) => {
                self.stop_behind_the_back(&targets[0]);
                Ok(preview)
            }
            (Sabotage::TakesAnyTarget, Err(FaultError::Unsupported { what, .. })) => {
                Ok(Preview { backend: what, actions: Vec::new(), keys: Vec::new(), warnings: Vec::new() })
            }
            (Sabotage::HoldsNoKeys, Ok(preview)) => Ok(Preview { keys: Vec::new(), ..preview }),
            (_, result) => result,
        }
    }

    async fn inject(&self, world: &mut dyn Injection, targets: &[ResolvedTarget]) -> Result<(), FaultError> {
        let fault = self.fault.as_fault();
        match self.sabotage {
            Sabotage::InjectsNothing => Ok(()),
            Sabotage::ForgetsTheLastTarget => fault.inject(world, &targets[..targets.len() - 1]).await,
            Sabotage::ChangesWithoutAVerb => {
                let result = fault.inject(world, targets).await;
                let bystander = self.world.add_process("bystander");
                self.stop_behind_the_back(&bystander);
                result
            }
            Sabotage::SwallowsErrors => {
                drop(fault.inject(world, targets).await);
                Ok(())
            }
            _ => fault.inject(world, targets).await,
        }
    }

    async fn observe(
        &self,
        world: &dyn World,
        targets: &[ResolvedTarget],
        injection: InjectionId,
    ) -> Result<Observation, FaultError> {
        self.fault.as_fault().observe(world, targets, injection).await
    }

    fn judge(&self, before: &Observation, now: &Observation) -> Effect {
        match self.sabotage {
            Sabotage::AlwaysClaimsAnEffect => Effect::Active { evidence: "surely".to_owned() },
            Sabotage::NeverSeesAnEffect => Effect::Absent { evidence: "nothing".to_owned() },
            _ => self.fault.as_fault().judge(before, now),
        }
    }

    fn reversible(&self) -> bool {
        self.fault.as_fault().reversible() != (self.sabotage == Sabotage::MisstatesReversibility)
    }
}

//! Takes a connection down.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use steadfast_model::{
    Effect, InjectionId, Observation, Percent, Problems, ResolvedTarget,
    proxy::{Protocol, ProxyFault},
};

use crate::{
    Fault, FaultError, Preview,
    on_proxy::{self, Counts, Plan},
    world::{Injection, NewRule, World},
};

/// Refuses new connections and cuts the open ones, as when the server is down.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TcpDown {}

const KIND: &str = "tcpDown";
const NEEDS: Protocol = Protocol::Tcp;
const COUNTS: Counts = Counts { things: "connections", done: "refused or cut" };

#[async_trait]
impl Fault for TcpDown {
    fn check(&self, _: &mut Problems) {}

    async fn preflight(&self, world: &dyn World, targets: &[ResolvedTarget]) -> Result<Preview, FaultError> {
        let does = "refuse new connections and cut open ones".to_owned();
        let plan =
            Plan { kind: KIND, needs: NEEDS, does, holds: on_proxy::ALL_ASPECTS, warnings: Vec::new() };
        on_proxy::preflight(plan, world, targets).await
    }

    async fn inject(&self, world: &mut dyn Injection, targets: &[ResolvedTarget]) -> Result<(), FaultError> {
        let fault = ProxyFault::TcpDown {};
        let rule = NewRule { fault, percent: Percent::ALL, seed: 0 };
        on_proxy::inject(KIND, NEEDS, rule, world, targets).await
    }

    async fn observe(
        &self,
        world: &dyn World,
        targets: &[ResolvedTarget],
        injection: InjectionId,
    ) -> Result<Observation, FaultError> {
        on_proxy::observe(world, targets, injection).await
    }

    fn judge(&self, before: &Observation, now: &Observation) -> Effect {
        on_proxy::judge(COUNTS, before, now)
    }
}

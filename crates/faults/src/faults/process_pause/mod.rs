//! Freezes processes.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use steadfast_model::{
    Effect, InjectionId, Observation, Problems, ResolvedTarget, effect::Sighting, process::ProcessState,
};

use crate::{
    Fault, FaultError, Preview,
    effects::judge_each,
    on_process::{observe, preflight, processes, state_in},
    world::{Injection, World},
};

/// Freezes processes: they keep their memory, sockets and locks, and do nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProcessPause {}

const KIND: &str = "processPause";

#[async_trait]
impl Fault for ProcessPause {
    fn check(&self, _: &mut Problems) {}

    async fn preflight(&self, world: &dyn World, targets: &[ResolvedTarget]) -> Result<Preview, FaultError> {
        preflight(KIND, "stop", world, targets, |target, state, _| {
            let (held_by, hint) = match state {
                ProcessState::Stopped => ("it is stopped already", "let it run again first: kill -CONT PID"),
                ProcessState::Traced => ("a debugger holds it", "detach the debugger first"),
                ProcessState::Running | ProcessState::Dead | ProcessState::Gone => return Ok(()),
            };
            // Undoing would let run what somebody else has stopped.
            Err(FaultError::Unsupported {
                what: format!("stop {target}: {held_by}"),
                hint: Some(hint.to_owned()),
            })
        })
        .await
    }

    async fn inject(&self, world: &mut dyn Injection, targets: &[ResolvedTarget]) -> Result<(), FaultError> {
        for process in processes(KIND, targets)? {
            world.pause_process(&process.identity).await?;
        }
        Ok(())
    }

    async fn observe(
        &self,
        world: &dyn World,
        targets: &[ResolvedTarget],
        _: InjectionId,
    ) -> Result<Observation, FaultError> {
        observe(KIND, world, targets).await
    }

    fn judge(&self, before: &Observation, now: &Observation) -> Effect {
        judge_each(before, now, judge_one)
    }
}

fn judge_one(before: Option<&Sighting>, now: &Sighting) -> Effect {
    match (before.map(state_in), state_in(now)) {
        (_, Err(why)) => Effect::Unknown { why },
        (_, Ok((pid, ProcessState::Running))) => Effect::Absent { evidence: format!("process {pid} runs") },
        (_, Ok((pid, ProcessState::Dead | ProcessState::Gone))) => {
            Effect::Absent { evidence: format!("process {pid} has ended") }
        }
        (_, Ok((pid, ProcessState::Traced))) => {
            Effect::Unknown { why: format!("a debugger holds process {pid}") }
        }
        (Some(Ok((_, ProcessState::Running))), Ok((pid, ProcessState::Stopped))) => {
            Effect::Active { evidence: format!("process {pid} is stopped") }
        }
        (_, Ok((pid, ProcessState::Stopped))) => Effect::Unknown {
            why: format!("process {pid} is stopped, but was not seen running before the fault"),
        },
    }
}

#[cfg(test)]
mod tests;

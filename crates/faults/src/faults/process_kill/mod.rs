//! Ends processes by a signal.

use async_trait::async_trait;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use steadfast_model::{
    Effect, InjectionId, Observation, Problems, ResolvedTarget,
    effect::Sighting,
    process::{ProcessState, Signal},
};

use crate::{
    Fault, FaultError, Preview,
    effects::judge_each,
    on_process::{observe, preflight, processes, state_in},
    world::{Injection, World},
};

/// Ends processes by a signal. It cannot be taken back: whatever supervises them must start them again.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProcessKill {
    /// The signal. KILL cannot be refused; the others can be handled or ignored.
    #[serde(default)]
    #[schemars(schema_with = "ending_signals")]
    pub signal: Signal,
}

const KIND: &str = "processKill";
const ENDING: [Signal; 6] =
    [Signal::Kill, Signal::Term, Signal::Int, Signal::Hup, Signal::Quit, Signal::Abrt];

#[async_trait]
impl Fault for ProcessKill {
    fn check(&self, problems: &mut Problems) {
        if !ENDING.contains(&self.signal) {
            problems.error(
                &["signal"],
                format!("{} does not end a process", self.signal),
                Some("write KILL, TERM, INT, HUP, QUIT or ABRT; to freeze a process, take processPause"),
            );
        }
    }

    async fn preflight(&self, world: &dyn World, targets: &[ResolvedTarget]) -> Result<Preview, FaultError> {
        let does = format!("send {} to", self.signal);
        let mut preview = preflight(KIND, &does, world, targets, |target, state, preview| {
            if self.signal != Signal::Kill && matches!(state, ProcessState::Stopped | ProcessState::Traced) {
                let signal = self.signal;
                preview
                    .warnings
                    .push(format!("{target} is stopped and sees {signal} only when it runs again"));
            }
            Ok(())
        })
        .await?;
        preview
            .warnings
            .push("this cannot be undone: only what supervises a process can start it again".to_owned());
        if self.signal != Signal::Kill {
            preview.warnings.push(format!("a process may handle or ignore {}", self.signal));
        }
        Ok(preview)
    }

    async fn inject(&self, world: &mut dyn Injection, targets: &[ResolvedTarget]) -> Result<(), FaultError> {
        for process in processes(KIND, targets)? {
            world.kill_process(&process.identity, self.signal).await?;
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

    fn reversible(&self) -> bool {
        false
    }
}

fn judge_one(before: Option<&Sighting>, now: &Sighting) -> Effect {
    let ended = |state| matches!(state, ProcessState::Dead | ProcessState::Gone);
    match (before.map(state_in), state_in(now)) {
        (_, Err(why)) => Effect::Unknown { why },
        (_, Ok((pid, state))) if !ended(state) => {
            Effect::Absent { evidence: format!("process {pid} still lives") }
        }
        (Some(Ok((pid, state))), Ok(_)) if !ended(state) => {
            Effect::Active { evidence: format!("process {pid} has ended") }
        }
        (_, Ok((pid, _))) => Effect::Unknown {
            why: format!("process {pid} has ended, but was not seen alive before the fault"),
        },
    }
}

fn ending_signals(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": ENDING.map(|signal| signal.to_string()) })
}

#[cfg(test)]
mod tests;

//! Tells processes another time than it is.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use steadfast_model::{
    Effect, InjectionId, Observation, Problems, ResolvedTarget,
    effect::Sighting,
    process::ProcessState,
    skew::{ClockFamily, Offset, Skew},
};

use crate::{
    Fault, FaultError, Preview,
    effects::judge_each,
    on_process::processes,
    world::{Injection, World},
};

/// Tells a process another time than it is: its clocks are ahead or behind, or go faster or slower.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TimeSkew {
    /// How far its clocks are ahead from the start, such as `+90s`; behind with a minus: `-1h`.
    #[serde(default, skip_serializing_if = "Offset::is_zero")]
    pub offset: Offset,
    /// How much faster they go, in millionths (ppm): `1000` gains a millisecond a second. Slower with a minus. From -900000
    /// to 9000000.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub drift: f64,
    /// Which of its clocks: `realtime` tells what time it is, `monotonic` how much has passed.
    #[serde(default = "realtime", skip_serializing_if = "is_realtime")]
    pub clocks: Vec<ClockFamily>,
}

const KIND: &str = "timeSkew";
/// In millionths. A clock must go on, and what it gains in a year must fit into its number.
const DRIFTS: std::ops::RangeInclusive<f64> = -900_000.0..=9_000_000.0;

fn realtime() -> Vec<ClockFamily> {
    vec![ClockFamily::Realtime]
}

fn is_realtime(clocks: &Vec<ClockFamily>) -> bool {
    *clocks == realtime()
}

fn is_zero(drift: &f64) -> bool {
    *drift == 0.0
}

impl TimeSkew {
    fn skew(&self) -> Skew {
        Skew { clocks: self.clocks.clone(), offset: self.offset, drift_ppm: self.drift }
    }

    /// What it does to the clocks: `+1h ahead`, `20 ppm faster`.
    fn words(&self) -> String {
        let offset = (!self.offset.is_zero()).then(|| format!("{} off", self.offset));
        let pace = if self.drift < 0.0 { "slower" } else { "faster" };
        let drift = (self.drift != 0.0).then(|| format!("{} ppm {pace}", self.drift.abs()));
        offset.into_iter().chain(drift).collect::<Vec<_>>().join(", ")
    }
}

#[async_trait]
impl Fault for TimeSkew {
    fn check(&self, problems: &mut Problems) {
        if self.offset.is_zero() && self.drift == 0.0 {
            problems.error(
                &["offset"],
                "nothing is changed",
                Some("write an `offset`, such as -1h, or a `drift`"),
            );
        }
        if !DRIFTS.contains(&self.drift) {
            let message = format!("{} is outside -900000 to 9000000 millionths", self.drift);
            problems.error(&["drift"], message, Some("write millionths: 1000 gains a millisecond a second"));
        }
        if self.clocks.is_empty() {
            problems.error(&["clocks"], "no clock is named", Some("write [realtime], or leave it out"));
        }
        if self.clocks.iter().enumerate().any(|(position, clock)| self.clocks[..position].contains(clock)) {
            problems.error(&["clocks"], "a clock is named twice", Some("name each once"));
        }
    }

    async fn preflight(&self, world: &dyn World, targets: &[ResolvedTarget]) -> Result<Preview, FaultError> {
        let mut preview =
            Preview { backend: "vDSO".to_owned(), actions: vec![], keys: vec![], warnings: vec![] };
        for (process, target) in processes(KIND, targets)?.into_iter().zip(targets) {
            let state = world.processes().state(&process.identity).await?;
            if matches!(state, ProcessState::Dead | ProcessState::Gone) {
                return Err(FaultError::TargetGone { what: target.to_string() });
            }
            world.processes().may_skew(&process.identity, &self.skew()).await?;
            preview.actions.push(format!("let the clocks of {target} be {}", self.words()));
            preview.keys.push(format!("{}/clocks", target.key()));
        }
        if self.clocks.contains(&ClockFamily::Monotonic) {
            preview.warnings.push(
                "programs rely on monotonic clocks never to jump: a wait until a point in time that was reckoned meanwhile lasts as much longer, also after the fault has gone"
                    .to_owned(),
            );
        }
        Ok(preview)
    }

    async fn inject(&self, world: &mut dyn Injection, targets: &[ResolvedTarget]) -> Result<(), FaultError> {
        for process in processes(KIND, targets)? {
            world.skew_clocks(&process.identity, &self.skew()).await?;
        }
        Ok(())
    }

    async fn observe(
        &self,
        world: &dyn World,
        targets: &[ResolvedTarget],
        injection: InjectionId,
    ) -> Result<Observation, FaultError> {
        let mut seen = Observation::default();
        for process in processes(KIND, targets)? {
            seen.targets.push(match world.processes().clocks(&process.identity, injection).await {
                Ok(status) => Sighting::Clocks(Box::new(status)),
                Err(FaultError::TargetGone { .. }) => {
                    Sighting::Process { identity: process.identity.clone(), state: ProcessState::Gone }
                }
                Err(error) => Sighting::Unseen { why: error.to_string() },
            });
        }
        Ok(seen)
    }

    fn judge(&self, before: &Observation, now: &Observation) -> Effect {
        judge_each(before, now, |before, now| self.judge_one(before, now))
    }
}

impl TimeSkew {
    fn judge_one(&self, before: Option<&Sighting>, now: &Sighting) -> Effect {
        let now = match now {
            Sighting::Clocks(status) => status,
            Sighting::Process { identity, state: ProcessState::Dead | ProcessState::Gone } => {
                return Effect::Absent { evidence: format!("process {identity} has ended") };
            }
            Sighting::Unseen { why } => return Effect::Unknown { why: why.clone() },
            other => {
                return Effect::Unknown { why: format!("{} was seen in place of clocks", other.thing()) };
            }
        };
        let process = &now.identity;
        let Some(told) = now.told else {
            return Effect::Absent { evidence: format!("process {process} reads its clocks as they are") };
        };
        let earlier = match before {
            Some(Sighting::Clocks(status)) if status.identity == *process => status.told.unwrap_or(0),
            _ => 0,
        };
        match told.saturating_sub(earlier) {
            0 => Effect::Idle { why: format!("process {process} has not read its clocks") },
            times => Effect::Active {
                evidence: format!("process {process} read its clocks {times} times, {}", self.words()),
            },
        }
    }
}

#[cfg(test)]
mod tests;

//! Holds memory.

use std::time::Duration as StdDuration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use steadfast_model::{
    ByteSize, Duration, Effect, InjectionId, Observation, Percent, Problems, ResolvedTarget,
    stress::{Room, Stress, StressWorker},
};

use crate::{
    Fault, FaultError, Preview,
    amounts::{mebibytes, part},
    on_host,
    settings::check_hold,
    world::{Injection, World},
};

/// Holds memory of a machine and uses it, so that everything else on it gets less. Exactly one of `size` and `percent` is
/// given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MemoryStress {
    /// How much, at least `16MiB`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<ByteSize>,
    /// How much of what is available when the fault begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<Percent>,
    /// In what time it grows to that, evenly, at most `1h`; as fast as it can when left out.
    #[serde(default)]
    pub ramp_up: Duration,
    /// What must stay available when all is held.
    #[serde(default = "reserve")]
    pub reserve: ByteSize,
    /// Take it even when the reserve, or more than that, is not left: the machine then swaps, or the kernel ends
    /// processes, the worker first.
    #[serde(default)]
    pub exhaust: bool,
}

const KIND: &str = "memoryStress";
/// What a process holds without any load is small beside it: 16 MiB.
const LEAST: u64 = 16 << 20;
/// What must be held of what was asked for.
const ENOUGH: f64 = 0.9;
/// The same while it grows, in steps.
const ENOUGH_ON_THE_WAY: f64 = 0.75;
/// The first steps on the way, told from what a process holds without any load: 8 MiB.
const FIRST_STEPS: u64 = 8 << 20;

fn reserve() -> ByteSize {
    ByteSize::new(256 << 20).expect("less than the largest size")
}

impl MemoryStress {
    /// How much is meant on a machine with this much room.
    fn size(&self, room: &Room) -> Result<ByteSize, FaultError> {
        let size = match (self.size, self.percent) {
            (Some(size), _) => size.bytes(),
            (None, percent) => part(percent.map_or(0.0, Percent::fraction), room.available.bytes()),
        };
        let (available, reserve) = (room.available.bytes(), self.reserve.bytes());
        if size < LEAST {
            return Err(FaultError::Unsupported {
                what: format!(
                    "hold {} of {} that are available: it is less than 16MiB",
                    mebibytes(size),
                    mebibytes(available)
                ),
                hint: Some("write a larger `percent`, or a `size`".to_owned()),
            });
        }
        if size.saturating_add(reserve) > available && !self.exhaust {
            let whose = room
                .memory_limited_by
                .as_ref()
                .map_or_else(String::new, |cgroup| format!(" by cgroup {cgroup}"));
            return Err(FaultError::Unsupported {
                what: format!(
                    "hold {} and leave {}: {} are available{whose}",
                    mebibytes(size),
                    mebibytes(reserve),
                    mebibytes(available)
                ),
                hint: Some(
                    "write less, or a smaller `reserve`; `exhaust: true` takes it all the same".to_owned(),
                ),
            });
        }
        ByteSize::new(size).ok_or_else(|| FaultError::Unsupported {
            what: format!("hold {}", mebibytes(size)),
            hint: Some("write less".to_owned()),
        })
    }

    fn warnings(&self, size: ByteSize, room: &Room, preview: &mut Preview) {
        if size.bytes().saturating_add(self.reserve.bytes()) > room.available.bytes() {
            let available = mebibytes(room.available.bytes());
            preview.warnings.push(format!(
                "{} of {available} that are available: this machine may swap, and the kernel may end processes, the worker first",
                mebibytes(size.bytes())
            ));
        }
    }
}

#[async_trait]
impl Fault for MemoryStress {
    fn check(&self, problems: &mut Problems) {
        match (self.size, self.percent) {
            (Some(size), None) if size.bytes() < LEAST => {
                problems.error(&["size"], format!("{size} is less than 16MiB"), Some("write at least 16MiB"));
            }
            (None, Some(percent)) if percent.fraction() <= 0.0 => {
                problems.error(&["percent"], "0% holds nothing", Some("write a share above 0%, such as 50%"));
            }
            (Some(_), None) | (None, Some(_)) => {}
            _ => {
                let hint = "write size: 2GiB, or percent: 50% of what is available when the fault begins";
                problems.error(&[], "exactly one of `size` and `percent` is needed", Some(hint));
            }
        }
        check_hold("rampUp", self.ramp_up, problems);
    }

    async fn preflight(&self, world: &dyn World, targets: &[ResolvedTarget]) -> Result<Preview, FaultError> {
        let backend = "worker process".to_owned();
        let mut preview = Preview { backend, actions: Vec::new(), keys: Vec::new(), warnings: Vec::new() };
        for (host, target) in on_host::hosts(KIND, targets)?.into_iter().zip(targets) {
            let room = world.machine().room(host).await?;
            let size = self.size(&room)?;
            let growing = if self.ramp_up.is_zero() {
                String::new()
            } else {
                format!(", growing for {}", self.ramp_up)
            };
            preview.actions.push(format!("hold {} of memory on {target}{growing}", mebibytes(size.bytes())));
            preview.keys.push(format!("{}/memory", target.key()));
            self.warnings(size, &room, &mut preview);
        }
        Ok(preview)
    }

    async fn inject(&self, world: &mut dyn Injection, targets: &[ResolvedTarget]) -> Result<(), FaultError> {
        for host in on_host::hosts(KIND, targets)? {
            let size = self.size(&world.world().machine().room(host).await?)?;
            world.stress_machine(host, &Stress::Memory { size, ramp_up: self.ramp_up }).await?;
        }
        Ok(())
    }

    async fn observe(
        &self,
        world: &dyn World,
        targets: &[ResolvedTarget],
        injection: InjectionId,
    ) -> Result<Observation, FaultError> {
        on_host::observe(world, targets, injection).await
    }

    fn judge(&self, before: &Observation, now: &Observation) -> Effect {
        on_host::judge(before, now, |_, now| judge_worker(now))
    }
}

fn judge_worker(now: &StressWorker) -> Effect {
    let Stress::Memory { size, ramp_up } = now.stress else {
        return Effect::Unknown { why: format!("worker {} does something else", now.identity) };
    };
    let age = StdDuration::from_nanos(now.age_nanos);
    let (planned, held) = (now.stress.planned(age), now.held_bytes);
    let grown = age >= ramp_up.std();
    let so_far = if grown { "" } else { " so far" };
    let told = format!(
        "worker {} holds {} of {}{so_far}",
        now.identity,
        mebibytes(held),
        mebibytes(if grown { size.bytes() } else { planned.bytes() })
    );
    let enough = if grown { ENOUGH } else { ENOUGH_ON_THE_WAY };
    if held >= part(enough, planned.bytes()) && (grown || held >= FIRST_STEPS) {
        Effect::Active { evidence: told }
    } else if now.swapped_bytes > 0 {
        Effect::Idle { why: format!("{told}: {} were swapped out", mebibytes(now.swapped_bytes)) }
    } else {
        Effect::Idle { why: told }
    }
}

#[cfg(test)]
mod tests;

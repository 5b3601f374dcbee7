//! Keeps CPUs busy.

use std::time::Duration as StdDuration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use steadfast_model::{
    Effect, InjectionId, Observation, Percent, Problems, ResolvedTarget,
    stress::{Room, Stress, StressWorker},
};

use crate::{
    Fault, FaultError, Preview,
    amounts::cpus,
    on_host,
    settings::everything,
    world::{Injection, World},
};

/// Keeps CPUs of a machine busy, so that everything else on it gets less of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CpuStress {
    /// How many threads compute, at most 256; as many as there are CPUs when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workers: Option<u32>,
    /// For which share of the time each of them computes, at least 1%. It is kept over every 100 ms.
    #[serde(default = "everything")]
    pub load: Percent,
}

const KIND: &str = "cpuStress";
const MOST_WORKERS: u32 = 256;
const LEAST_LOAD: f64 = 0.01;
/// What must have been computed of what was asked for.
const ENOUGH: f64 = 0.8;
/// What must have been computed at the least when the rest was waited for. With less, others feel little of it.
const FELT: f64 = 0.25;
/// Three periods: less says nothing about a share of the time.
const LONG_ENOUGH: StdDuration = StdDuration::from_millis(300);

impl CpuStress {
    fn stress(&self, room: &Room) -> Stress {
        Stress::Cpu { workers: self.workers.unwrap_or(room.usable_cpus), load: self.load }
    }

    /// In CPUs. More workers than there are CPUs make it no more.
    fn asked(workers: u32, load: Percent, usable_cpus: u32) -> f64 {
        (f64::from(workers) * load.fraction()).min(f64::from(usable_cpus))
    }

    fn plan(&self, room: &Room, target: &ResolvedTarget, preview: &mut Preview) -> Result<(), FaultError> {
        let workers = self.workers.unwrap_or(room.usable_cpus);
        let asked = Self::asked(workers, self.load, room.usable_cpus);
        if let Some(limit) = &room.cpu_limit
            && cpus(limit.millis) < ENOUGH * asked
        {
            let left = cpus(limit.millis);
            return Err(FaultError::Unsupported {
                what: format!("keep {asked:.1} CPUs busy: cgroup {} leaves {left:.1}", limit.cgroup),
                hint: Some(
                    "write fewer `workers` or less `load`, or start Steadfast outside of that cgroup"
                        .to_owned(),
                ),
            });
        }
        let each =
            if self.load == Percent::ALL { String::new() } else { format!(" for {} of the time", self.load) };
        let threads = if workers == 1 { "1 thread".to_owned() } else { format!("{workers} threads") };
        preview.actions.push(format!("compute in {threads}{each} on {target}"));
        if room.usable_cpus < room.cpus {
            let (usable, all) = (room.usable_cpus, room.cpus);
            let warning = format!(
                "Steadfast may run on {usable} of the {all} CPUs of {target} only, and so may its workers"
            );
            preview.warnings.push(warning);
        }
        if workers > room.usable_cpus {
            let share = format!("{workers} threads share {} CPUs of {target}", room.usable_cpus);
            preview.warnings.push(share);
        }
        Ok(())
    }
}

#[async_trait]
impl Fault for CpuStress {
    fn check(&self, problems: &mut Problems) {
        let workers = self.workers.unwrap_or(1);
        if workers == 0 {
            problems.error(&["workers"], "no workers do nothing", Some("write at least 1, or leave it out"));
        } else if workers > MOST_WORKERS {
            let hint = "more workers than CPUs only make everything wait longer";
            problems.error(&["workers"], format!("{workers} are more than {MOST_WORKERS}"), Some(hint));
        }
        if self.load.fraction() < LEAST_LOAD {
            let message = format!("{} is no load that could be seen", self.load);
            problems.error(&["load"], message, Some("write at least 1%"));
        }
    }

    async fn preflight(&self, world: &dyn World, targets: &[ResolvedTarget]) -> Result<Preview, FaultError> {
        let backend = "worker process".to_owned();
        let mut preview = Preview { backend, actions: Vec::new(), keys: Vec::new(), warnings: Vec::new() };
        for (host, target) in on_host::hosts(KIND, targets)?.into_iter().zip(targets) {
            self.plan(&world.machine().room(host).await?, target, &mut preview)?;
            preview.keys.push(format!("{}/cpu", target.key()));
        }
        Ok(preview)
    }

    async fn inject(&self, world: &mut dyn Injection, targets: &[ResolvedTarget]) -> Result<(), FaultError> {
        for host in on_host::hosts(KIND, targets)? {
            let room = world.world().machine().room(host).await?;
            world.stress_machine(host, &self.stress(&room)).await?;
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
        on_host::judge(before, now, judge_worker)
    }
}

/// By what the kernel counted since the worker was seen before; since it began, when that was too short a time ago.
fn judge_worker(before: Option<&StressWorker>, now: &StressWorker) -> Effect {
    let Stress::Cpu { workers, load } = now.stress else {
        return Effect::Unknown { why: format!("worker {} does something else", now.identity) };
    };
    let since = |earlier: Option<&StressWorker>, count: fn(&StressWorker) -> u64| {
        StdDuration::from_nanos(count(now).saturating_sub(earlier.map_or(0, count)))
    };
    let age = |worker: &StressWorker| worker.age_nanos;
    let before = before.filter(|_| since(before, age) >= LONG_ENOUGH);
    let time = since(before, age);
    let identity = &now.identity;
    if time < LONG_ENOUGH {
        return Effect::Idle { why: format!("worker {identity} has only just begun") };
    }
    let share = |part: StdDuration| part.as_secs_f64() / time.as_secs_f64();
    let ran = share(since(before, |worker| worker.ran_nanos));
    let waited = share(since(before, |worker| worker.waited_nanos));
    let asked = CpuStress::asked(workers, load, now.usable_cpus);
    let took = format!("worker {identity} took {ran:.2} of {asked:.2} CPUs");
    if ran >= ENOUGH * asked {
        return Effect::Active { evidence: took };
    }
    match &now.cpu_limit {
        Some(limit) if cpus(limit.millis) < asked => {
            let left = cpus(limit.millis);
            Effect::Idle { why: format!("{took}: cgroup {} leaves it {left:.2}", limit.cgroup) }
        }
        // Its threads stood in line all the time: what they did not get, others had, and waited for in turn.
        _ if ran + waited >= ENOUGH * asked && ran < FELT * asked => {
            Effect::Idle { why: format!("{took}: others had the rest, and felt little of it") }
        }
        _ if ran + waited >= ENOUGH * asked => {
            Effect::Active { evidence: format!("{took} and waited for the rest, which others had") }
        }
        _ => Effect::Idle { why: format!("{took}, and did not even wait for more") },
    }
}

#[cfg(test)]
mod tests;

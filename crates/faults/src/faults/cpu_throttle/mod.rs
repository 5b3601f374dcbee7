//! Gives processes less CPU time.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use steadfast_model::{
    Effect, InjectionId, Observation, Problems, ResolvedTarget, cgroup::CpuGroup, effect::Sighting,
    process::ProcessState, target::ResolvedProcess,
};

use crate::{
    Fault, FaultError, Preview,
    amounts::cpus,
    effects::judge_each,
    on_process::{self, processes},
    world::{Fellow, Injection, World},
};

/// Gives the cgroup of a process less CPU time: its limit is lowered for a while.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CpuThrottle {
    /// How much it may have, in CPUs: `0.2` is a fifth of one. From 0.01 to 1024.
    pub quota: f64,
}

const KIND: &str = "cpuThrottle";
const QUOTAS: std::ops::RangeInclusive<f64> = 0.01..=1_024.0;
/// The least quota of a period that the kernel takes: 1 ms.
const LEAST_MICROS: u64 = 1_000;
/// So many processes that share the cgroup are named.
const NAMED: usize = 5;

impl CpuThrottle {
    /// In thousandths of one CPU.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to lie in range")]
    fn millis(&self) -> u64 {
        (self.quota * 1_000.0).round() as u64
    }

    /// The cgroup of a process, if it may have less.
    async fn group(
        &self,
        world: &dyn World,
        process: &ResolvedProcess,
        target: &ResolvedTarget,
    ) -> Result<CpuGroup, FaultError> {
        let refused = |why: String, hint: &str| {
            let what = format!("throttle {target}: {why}");
            Err(FaultError::Unsupported { what, hint: Some(hint.to_owned()) })
        };
        let group = world.processes().cpu_group(&process.identity).await?;
        if group.is_root {
            return refused(
                "it is in the root cgroup, as everything is that has none of its own".to_owned(),
                "start it in a cgroup of its own: as a systemd unit or in a container",
            );
        }
        let limit = group.tightest.as_ref().map(|limit| (limit.millis, limit.cgroup.clone()));
        let own = group.quota.millis().map(|millis| (millis, group.identity.to_string()));
        if let Some((millis, whose)) = limit.into_iter().chain(own).min()
            && millis <= self.millis()
        {
            let left = cpus(millis);
            return refused(format!("{whose} leaves it {left:.2} CPUs already"), "write a smaller `quota`");
        }
        if group.quota.with_millis(self.millis()).quota_micros < Some(LEAST_MICROS) {
            let period = group.quota.period_micros;
            let why = format!("{} CPUs in periods of {period} µs are less than the kernel takes", self.quota);
            return refused(why, "write a larger `quota`");
        }
        Ok(group)
    }

    fn look(
        &self,
        target: &ResolvedTarget,
        pid: u32,
        group: &CpuGroup,
        fellows: &[Fellow],
        preview: &mut Preview,
    ) {
        let before = group.quota.millis().map_or_else(
            || "in place of no limit".to_owned(),
            |millis| format!("in place of {:.2}", cpus(millis)),
        );
        let (id, quota) = (&group.identity, self.quota);
        preview.actions.push(format!("give {id} of {target} at most {quota} CPUs, {before}"));
        preview.keys.push(format!("{}/cpu-limit", target.key()));
        preview.keys.push(format!("cgroup:{}/cpu-limit", id.inode));
        let others: Vec<_> = fellows.iter().filter(|fellow| fellow.pid != pid).collect();
        if !others.is_empty() {
            let name = |fellow: &&Fellow| format!("{} ({})", fellow.pid, fellow.command);
            let mut names: Vec<_> = others.iter().take(NAMED).map(name).collect();
            if others.len() > NAMED {
                names.push(format!("{} more", others.len() - NAMED));
            }
            let warning =
                format!("{id} is shared: the limit is that of all together, also of {}", names.join(", "));
            preview.warnings.push(warning);
        }
    }
}

#[async_trait]
impl Fault for CpuThrottle {
    fn check(&self, problems: &mut Problems) {
        if !QUOTAS.contains(&self.quota) {
            let message = format!("{} is outside 0.01 to 1024 CPUs", self.quota);
            problems.error(&["quota"], message, Some("write CPUs: 0.2 is a fifth of one"));
        }
    }

    async fn preflight(&self, world: &dyn World, targets: &[ResolvedTarget]) -> Result<Preview, FaultError> {
        let mut preview =
            Preview { backend: "cgroup".to_owned(), actions: vec![], keys: vec![], warnings: vec![] };
        let mut seen = Vec::new();
        for (process, target) in processes(KIND, targets)?.into_iter().zip(targets) {
            let group = self.group(world, process, target).await?;
            let fellows = world.processes().fellows(&group.identity).await?;
            if seen.contains(&group.identity) {
                return Err(FaultError::Unsupported {
                    what: format!("throttle {target}: another target is in {} too", group.identity),
                    hint: Some("name one of them: the limit is that of all together".to_owned()),
                });
            }
            self.look(target, process.identity.pid, &group, &fellows, &mut preview);
            seen.push(group.identity);
        }
        let version = if seen.iter().all(|identity| identity.unified) { "cgroup v2" } else { "cgroup v1" };
        version.clone_into(&mut preview.backend);
        Ok(preview)
    }

    async fn inject(&self, world: &mut dyn Injection, targets: &[ResolvedTarget]) -> Result<(), FaultError> {
        for (process, target) in processes(KIND, targets)?.into_iter().zip(targets) {
            self.group(world.world(), process, target).await?;
            world.throttle_process(&process.identity, self.millis()).await?;
        }
        Ok(())
    }

    async fn observe(
        &self,
        world: &dyn World,
        targets: &[ResolvedTarget],
        _: InjectionId,
    ) -> Result<Observation, FaultError> {
        let mut seen = on_process::observe(KIND, world, targets).await?;
        for (process, sighting) in processes(KIND, targets)?.into_iter().zip(&mut seen.targets) {
            if matches!(sighting, Sighting::Process { state: ProcessState::Dead | ProcessState::Gone, .. }) {
                continue;
            }
            *sighting = match world.processes().cpu_group(&process.identity).await {
                Ok(group) => Sighting::CpuGroup(Box::new(group)),
                Err(FaultError::TargetGone { .. }) => {
                    Sighting::Process { identity: process.identity.clone(), state: ProcessState::Gone }
                }
                Err(error) => Sighting::Unseen { why: error.to_string() },
            };
        }
        Ok(seen)
    }

    fn judge(&self, before: &Observation, now: &Observation) -> Effect {
        judge_each(before, now, |before, now| judge_one(before, now, self.millis()))
    }
}

fn judge_one(before: Option<&Sighting>, now: &Sighting, millis: u64) -> Effect {
    let (was, is) = match (before, now) {
        (_, Sighting::Process { identity, state: ProcessState::Dead | ProcessState::Gone }) => {
            return Effect::Absent { evidence: format!("process {identity} has ended") };
        }
        (_, Sighting::Unseen { why }) => return Effect::Unknown { why: why.clone() },
        (Some(Sighting::CpuGroup(was)), Sighting::CpuGroup(is)) => (was, is),
        _ => return Effect::Unknown { why: "its cgroup was not seen before and after".to_owned() },
    };
    if was.identity != is.identity {
        let why = format!("it was moved from {} to {}", was.identity, is.identity);
        return Effect::Unknown { why };
    }
    let asked = was.quota.with_millis(millis);
    if is.quota.quota_micros != asked.quota_micros || was.quota.quota_micros == asked.quota_micros {
        let limit =
            is.quota.millis().map_or_else(|| "no limit".to_owned(), |now| format!("{:.2} CPUs", cpus(now)));
        return Effect::Absent { evidence: format!("{} has {limit}", is.identity) };
    }
    let told = format!("{} has {:.2} CPUs", is.identity, cpus(millis));
    match is.throttled.saturating_sub(was.throttled) {
        0 => Effect::Idle { why: format!("{told}, and did not want more") },
        times => {
            let waited = is.throttled_nanos.saturating_sub(was.throttled_nanos) / 1_000_000;
            Effect::Active {
                evidence: format!(
                    "{told} and was held back in {times} periods, for {waited} ms of its threads' time"
                ),
            }
        }
    }
}

#[cfg(test)]
mod tests;

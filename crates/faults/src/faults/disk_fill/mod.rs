//! Fills a file system.

use std::path::PathBuf;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use steadfast_model::{
    ByteSize, Effect, InjectionId, Observation, Problems, ResolvedTarget,
    effect::Sighting,
    process::ProcessState,
    stress::{Stress, StressStatus, StressWorker, Volume},
};

use crate::{
    Fault, FaultError, Preview,
    amounts::{mebibytes, part},
    effects::judge_each,
    on_disk, on_host,
    world::{Injection, World},
};

mod fill;

use fill::Fill;

/// Fills a file system, so that what writes to it finds little room, or none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DiskFill {
    /// A directory on the file system, such as `/var/lib/app`. No symbolic link may be on the way there.
    pub path: PathBuf,
    /// How full: a share such as `90%` is what is in use afterwards, of the whole file system; a size such as `2GiB` is
    /// taken beside what is in use. `100%` leaves nothing, to the last byte.
    pub fill: Fill,
}

const KIND: &str = "diskFill";
/// What must be taken of what was asked for.
const ENOUGH: f64 = 0.95;
/// What may be left of a file system that is filled wholly: what others gave back.
const NOTHING: f64 = 0.01;

impl DiskFill {
    /// What the worker is told, with the file system as it is now.
    fn stress(&self, volume: &Volume) -> Result<Stress, FaultError> {
        let refused = |why: String, hint: &str| {
            let what = format!("fill {}: {why}", self.path.display());
            Err(FaultError::Unsupported { what, hint: Some(hint.to_owned()) })
        };
        on_disk::check_disk("fill", &self.path, volume)?;
        if volume.holds_state {
            return refused(
                "what Steadfast keeps is on that file system, and must be written there to undo faults"
                    .to_owned(),
                "keep it on another one with --state-dir, or name a directory on another one",
            );
        }
        let wholly = self.fill.is_all();
        let size = self.fill.bytes(volume);
        let available = volume.for_worker_bytes;
        if size == 0 {
            let used = share(volume.used_bytes(), volume.size_bytes);
            return refused(format!("{used} are in use already"), "write a larger share, or a size");
        }
        if size > available {
            let (wanted, left) = (mebibytes(size), mebibytes(available));
            return refused(
                format!("{wanted} are more than the {left} that are left"),
                "write less, or 100%",
            );
        }
        let Some(size) = ByteSize::new(size) else {
            return refused(format!("{} are more than 1PiB", mebibytes(size)), "write less");
        };
        Ok(Stress::Fill { path: self.path.clone(), device: volume.device.clone(), size, wholly })
    }
}

#[async_trait]
impl Fault for DiskFill {
    fn check(&self, problems: &mut Problems) {
        on_disk::check_path(&self.path, problems);
        self.fill.check(problems);
    }

    async fn preflight(&self, world: &dyn World, targets: &[ResolvedTarget]) -> Result<Preview, FaultError> {
        let backend = "worker process, in a file without a name".to_owned();
        let mut preview = Preview { backend, actions: Vec::new(), keys: Vec::new(), warnings: Vec::new() };
        for (host, target) in on_host::hosts(KIND, targets)?.into_iter().zip(targets) {
            let volume = world.machine().volume(host, &self.path).await?;
            let Stress::Fill { size, wholly, .. } = self.stress(&volume)? else { continue };
            let (kind, all) = (&volume.kind, mebibytes(volume.size_bytes));
            let used = share(volume.used_bytes() + size.bytes(), volume.size_bytes);
            preview.actions.push(format!(
                "take {} on {} ({kind} of {all}) of {target}, of which {used} are then in use",
                mebibytes(size.bytes()),
                self.path.display()
            ));
            preview.keys.push(on_disk::key(target, &volume));
            if wholly {
                let warning =
                    "nothing is left: whatever else writes there fails, also what is not under test";
                preview.warnings.push(warning.to_owned());
            }
        }
        Ok(preview)
    }

    async fn inject(&self, world: &mut dyn Injection, targets: &[ResolvedTarget]) -> Result<(), FaultError> {
        on_disk::inject(KIND, &self.path, world, targets, |volume| self.stress(volume)).await
    }

    async fn observe(
        &self,
        world: &dyn World,
        targets: &[ResolvedTarget],
        injection: InjectionId,
    ) -> Result<Observation, FaultError> {
        let mut seen = on_host::observe(world, targets, injection).await?;
        on_disk::add_volume(world, targets, &self.path, &mut seen).await;
        Ok(seen)
    }

    fn judge(&self, before: &Observation, now: &Observation) -> Effect {
        let effect = on_host::judge_with(before, now, |status, _, worker| judge_worker(status, worker));
        // A worker that has ended holds nothing; that its room is free again must be seen.
        if matches!(effect, Effect::Absent { .. }) { judge_each(before, now, judge_gone) } else { effect }
    }
}

fn judge_worker(status: &StressStatus, worker: &StressWorker) -> Effect {
    let Stress::Fill { size, wholly, .. } = &worker.stress else {
        return Effect::Unknown { why: format!("worker {} does something else", worker.identity) };
    };
    let Some(volume) = &status.volume else {
        return Effect::Unknown { why: "the file system cannot be looked at".to_owned() };
    };
    let told = format!("worker {} takes {}", worker.identity, told(worker.held_bytes, *size, volume));
    if worker.held_bytes < part(ENOUGH, size.bytes()) {
        Effect::Idle { why: told }
    } else if *wholly && volume.available_bytes > part(NOTHING, volume.size_bytes) {
        Effect::Idle { why: format!("{told}: others gave back what they had") }
    } else {
        Effect::Active { evidence: told }
    }
}

fn told(held: u64, size: ByteSize, volume: &Volume) -> String {
    format!(
        "{} of {}: {} of the file system are in use, {} are left",
        mebibytes(held),
        mebibytes(size.bytes()),
        share(volume.used_bytes(), volume.size_bytes),
        mebibytes(volume.available_bytes)
    )
}

/// No worker lives. Half of what it took may have been taken by others since.
fn judge_gone(before: Option<&Sighting>, now: &Sighting) -> Effect {
    let (Some(Sighting::Host(before)), Sighting::Host(now)) = (before, now) else {
        return Effect::Unknown { why: "the machine was not seen before and after".to_owned() };
    };
    let ended = |worker: &&StressWorker| matches!(worker.state, ProcessState::Dead | ProcessState::Gone);
    let Some(worker) = now.workers.iter().find(ended) else {
        return Effect::Absent { evidence: "there is no worker of this injection".to_owned() };
    };
    let (Some(was), Some(is)) = (&before.volume, &now.volume) else {
        let evidence = format!("worker {} has ended; the file system cannot be seen", worker.identity);
        return Effect::Absent { evidence };
    };
    let took = if let Stress::Fill { size, .. } = &worker.stress { size.bytes() } else { 0 };
    let told = format!(
        "worker {} has ended and {} are free, as {} were before",
        worker.identity,
        mebibytes(is.free_bytes),
        mebibytes(was.free_bytes)
    );
    if is.device != was.device || is.free_bytes + took / 2 >= was.free_bytes {
        Effect::Absent { evidence: told }
    } else {
        Effect::Unknown { why: format!("the room is not back: {told}") }
    }
}

/// `90.5%`.
fn share(part: u64, whole: u64) -> String {
    let whole = u128::from(whole.max(1));
    let thousandths = (u128::from(part) * 1_000 + whole / 2) / whole;
    format!("{}.{}%", thousandths / 10, thousandths % 10)
}

#[cfg(test)]
mod tests;

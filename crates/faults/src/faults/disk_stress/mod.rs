//! Keeps a disk busy.

use std::{path::PathBuf, time::Duration as StdDuration};

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use steadfast_model::{
    ByteRate, ByteSize, Effect, InjectionId, Observation, Problems, ResolvedTarget,
    stress::{Stress, StressWorker, Volume},
};

use crate::{
    Fault, FaultError, Preview,
    amounts::{mebibytes, part},
    on_disk, on_host,
    world::{Injection, World},
};

/// Keeps a disk busy with reads and writes past memory, so that whatever else uses it waits longer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DiskStress {
    /// A directory on the disk, such as `/var/lib/app`. No symbolic link may be on the way there.
    pub path: PathBuf,
    /// How many threads read, at most 64.
    #[serde(default = "one")]
    pub read: u32,
    /// How many threads write, at most 64.
    #[serde(default = "one")]
    pub write: u32,
    /// How much is read in a second, and as much written, by all threads together; as fast as the disk gives it when left
    /// out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<ByteRate>,
    /// How large the file is that is read and written, at least `16MiB`.
    #[serde(default = "size")]
    pub size: ByteSize,
}

const KIND: &str = "diskStress";
const MOST_THREADS: u32 = 64;
/// A smaller file would be in the memory of the disk itself: 16 MiB.
const LEAST: u64 = 16 << 20;
/// What must have been read and written of what was asked for.
const ENOUGH: f64 = 0.8;
/// In a second, where it is as fast as the disk gives it: 1 MiB.
const FELT: u64 = 1 << 20;
/// Less says nothing of a rate.
const LONG_ENOUGH: StdDuration = StdDuration::from_millis(300);

fn one() -> u32 {
    1
}

fn size() -> ByteSize {
    ByteSize::new(256 << 20).expect("less than the largest size")
}

impl DiskStress {
    fn stress(&self, volume: &Volume) -> Result<Stress, FaultError> {
        on_disk::check_disk("read and write on", &self.path, volume)?;
        if self.size.bytes() > volume.available_bytes / 2 {
            let (size, left) = (mebibytes(self.size.bytes()), mebibytes(volume.available_bytes));
            let what = format!(
                "read and write on {}: {size} are more than half of the {left} that are left",
                self.path.display()
            );
            return Err(FaultError::Unsupported { what, hint: Some("write a smaller `size`".to_owned()) });
        }
        Ok(Stress::Disk {
            path: self.path.clone(),
            device: volume.device.clone(),
            size: self.size,
            readers: self.read,
            writers: self.write,
            rate: self.rate,
        })
    }

    fn words(&self) -> String {
        let threads = |count: u32, does: &str| match count {
            0 => None,
            1 => Some(format!("{does} in 1 thread")),
            many => Some(format!("{does} in {many} threads")),
        };
        let both: Vec<_> =
            threads(self.read, "read").into_iter().chain(threads(self.write, "write")).collect();
        let rate = self.rate.map_or_else(String::new, |rate| format!(", at {rate} each way"));
        format!("{} a file of {}{rate}", both.join(" and "), mebibytes(self.size.bytes()))
    }
}

#[async_trait]
impl Fault for DiskStress {
    fn check(&self, problems: &mut Problems) {
        on_disk::check_path(&self.path, problems);
        for (field, threads) in [("read", self.read), ("write", self.write)] {
            if threads > MOST_THREADS {
                let message = format!("{threads} are more than {MOST_THREADS}");
                problems.error(&[field], message, Some("more threads only make all of them wait longer"));
            }
        }
        if self.read == 0 && self.write == 0 {
            problems.error(
                &[],
                "no threads do nothing",
                Some("write at least one of `read: 1` and `write: 1`"),
            );
        }
        if self.size.bytes() < LEAST {
            problems.error(
                &["size"],
                format!("{} is less than 16MiB", self.size),
                Some("write at least 16MiB"),
            );
        }
    }

    async fn preflight(&self, world: &dyn World, targets: &[ResolvedTarget]) -> Result<Preview, FaultError> {
        let backend = "worker process, past the page cache (O_DIRECT)".to_owned();
        let mut preview = Preview { backend, actions: Vec::new(), keys: Vec::new(), warnings: Vec::new() };
        for (host, target) in on_host::hosts(KIND, targets)?.into_iter().zip(targets) {
            let volume = world.machine().volume(host, &self.path).await?;
            self.stress(&volume)?;
            let at = format!("on {} ({}) of {target}", self.path.display(), volume.kind);
            preview.actions.push(format!("{} {at}", self.words()));
            preview.keys.push(on_disk::key(target, &volume));
            if volume.holds_state {
                preview
                    .warnings
                    .push("what Steadfast keeps is on that file system: it waits longer too".to_owned());
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
        on_host::observe(world, targets, injection).await
    }

    fn judge(&self, before: &Observation, now: &Observation) -> Effect {
        on_host::judge(before, now, judge_worker)
    }
}

/// By what the kernel counted since the worker was seen before; since it began, when that was too short a time ago.
fn judge_worker(before: Option<&StressWorker>, now: &StressWorker) -> Effect {
    let Stress::Disk { size, readers, writers, rate, .. } = &now.stress else {
        return Effect::Unknown { why: format!("worker {} does something else", now.identity) };
    };
    let since = |earlier: Option<&StressWorker>, count: fn(&StressWorker) -> u64| {
        count(now).saturating_sub(earlier.map_or(0, count))
    };
    let age = |earlier| StdDuration::from_nanos(since(earlier, |worker| worker.age_nanos));
    let before = before.filter(|_| age(before) >= LONG_ENOUGH);
    let time = age(before);
    if time < LONG_ENOUGH {
        let why = format!("worker {} has only just begun, or still writes what it will read", now.identity);
        return Effect::Idle { why };
    }
    let asked = rate.map_or(FELT, |rate| part(ENOUGH, rate.bytes_in(StdDuration::from_secs(1))));
    let a_second = |bytes: u64| part(1.0 / time.as_secs_f64(), bytes);
    let read = a_second(since(before, |worker| worker.read_bytes));
    // Its age counts from when the file was written once, so that this must not count either.
    let laid_out = if before.is_some_and(|before| before.age_nanos > 0) { 0 } else { size.bytes() };
    let written = a_second(since(before, |worker| worker.written_bytes).saturating_sub(laid_out));
    let told =
        format!("worker {} read {}/s and wrote {}/s", now.identity, mebibytes(read), mebibytes(written));
    if (*readers == 0 || read >= asked) && (*writers == 0 || written >= asked) {
        Effect::Active { evidence: told }
    } else if *readers > 0 && since(None, |worker| worker.read_bytes) == 0 {
        Effect::Idle { why: format!("{told}: perhaps the kernel does not count") }
    } else {
        let rate = rate.map_or_else(|| "1MiB/s".to_owned(), |rate| rate.to_string());
        Effect::Idle { why: format!("{told} of {rate}: the disk gives no more") }
    }
}

#[cfg(test)]
mod tests;

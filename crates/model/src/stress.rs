//! Load that a worker puts on a machine: what it is told, what can be seen of it, and how much room there is.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    BootTime, ByteRate, ByteSize, Duration, Percent,
    process::{ProcessIdentity, ProcessState},
};

/// What a worker does to its machine: a map with one key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Stress {
    /// Computes.
    Cpu {
        /// In so many threads.
        workers: u32,
        /// Each for this share of the time.
        load: Percent,
    },
    /// Holds memory, and uses all of it again and again.
    Memory {
        /// How much.
        size: ByteSize,
        /// In what time it grows to that.
        ramp_up: Duration,
    },
    /// Takes room on a file system, in a file without a name.
    Fill {
        /// A directory on it.
        path: PathBuf,
        /// Which file system must be found there: [`Volume::device`].
        device: String,
        /// How much.
        size: ByteSize,
        /// Whether what is left after that is taken too, to the last byte.
        wholly: bool,
    },
    /// Reads and writes a file without a name, past the page cache.
    Disk {
        /// A directory on its file system.
        path: PathBuf,
        /// Which file system must be found there: [`Volume::device`].
        device: String,
        /// How large the file is.
        size: ByteSize,
        /// How many threads read.
        readers: u32,
        /// How many threads write.
        writers: u32,
        /// How much is read in a second, and as much written; as fast as can be when left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rate: Option<ByteRate>,
    },
}

impl Stress {
    /// How much memory shall be held this long after the beginning; none for other stress.
    #[must_use]
    pub fn planned(&self, age: std::time::Duration) -> ByteSize {
        match self {
            Self::Cpu { .. } | Self::Fill { .. } | Self::Disk { .. } => ByteSize::ZERO,
            Self::Memory { size, ramp_up } if age >= ramp_up.std() => *size,
            Self::Memory { size, ramp_up } => {
                // The ramp is longer than its age, so it is not zero, and the part is smaller than the whole.
                let part = u128::from(size.bytes()) * age.as_nanos() / ramp_up.std().as_nanos();
                u64::try_from(part).ok().and_then(ByteSize::new).unwrap_or(*size)
            }
        }
    }
}

/// The one order of a worker that puts load on its machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StressOrder {
    /// What to do.
    pub stress: Stress,
    /// The worker ends at this instant, whatever happens.
    pub deadline: BootTime,
    /// The worker ends at this instant unless it is renewed before.
    pub lease: BootTime,
}

/// How much of a machine workers may use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Room {
    /// CPUs of the machine that are online.
    pub cpus: u32,
    /// How many of them workers may run on.
    pub usable_cpus: u32,
    /// How much CPU time their cgroup leaves them, if it limits that.
    pub cpu_limit: Option<CpuLimit>,
    /// Memory that can be had without swapping: what the machine has left, or a cgroup, whichever is less.
    pub available: ByteSize,
    /// The cgroup that leaves less memory than the machine has.
    pub memory_limited_by: Option<String>,
}

/// A cgroup that limits CPU time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CpuLimit {
    /// In thousandths of one CPU.
    pub millis: u64,
    /// Which cgroup.
    pub cgroup: String,
}

/// A file system as a directory on it shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Volume {
    /// Its device as in `/proc/self/mountinfo`: `254:0`.
    pub device: String,
    /// Its type: `ext4`. A number where it has no known name.
    pub kind: String,
    /// Whether nothing can be written to it.
    pub read_only: bool,
    /// Whether what Steadfast keeps is on it.
    pub holds_state: bool,
    /// All of it, in bytes.
    pub size_bytes: u64,
    /// What nobody uses, in bytes.
    pub free_bytes: u64,
    /// What everybody may have of that, in bytes: a part may be kept for root.
    pub available_bytes: u64,
    /// What a worker of this user may have of it, in bytes.
    pub for_worker_bytes: u64,
}

impl Volume {
    /// What is in use, in bytes.
    #[must_use]
    pub fn used_bytes(&self) -> u64 {
        self.size_bytes.saturating_sub(self.free_bytes)
    }
}

/// What one injection does to a machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StressStatus {
    /// The boot that was looked at.
    pub boot_id: String,
    /// Its workers, those that have ended included.
    pub workers: Vec<StressWorker>,
    /// The file system that they work on, if they do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<Volume>,
}

/// A worker, and what the kernel counted of it. Counts only grow while it lives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StressWorker {
    /// Which process.
    pub identity: ProcessIdentity,
    /// What it was told to do.
    pub stress: Stress,
    /// Its state. All counts of one that has ended are zero.
    pub state: ProcessState,
    /// How long it has been at it, in nanoseconds.
    pub age_nanos: u64,
    /// CPU time of its threads, in nanoseconds.
    pub ran_nanos: u64,
    /// How long its threads wanted to run and waited for a CPU, in nanoseconds.
    pub waited_nanos: u64,
    /// Memory it holds, in bytes; of one that fills a file system, the room it takes there.
    pub held_bytes: u64,
    /// Memory of it that was swapped out, in bytes.
    pub swapped_bytes: u64,
    /// What it read from storage, in bytes; zero where the kernel does not count.
    #[serde(default)]
    pub read_bytes: u64,
    /// What it wrote to storage, in bytes.
    #[serde(default)]
    pub written_bytes: u64,
    /// CPUs it may run on.
    pub usable_cpus: u32,
    /// How much CPU time its cgroup leaves it, if it limits that.
    pub cpu_limit: Option<CpuLimit>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_grows_evenly_over_the_ramp_and_is_all_there_after_it() {
        let size = ByteSize::new(1 << 50).unwrap();
        let memory = |seconds| Stress::Memory { size, ramp_up: Duration::from_secs(seconds) };
        let after =
            |stress: &Stress, millis| stress.planned(std::time::Duration::from_millis(millis)).bytes();
        assert_eq!(after(&memory(0), 0), 1 << 50);
        assert_eq!(after(&memory(4), 0), 0);
        assert_eq!(after(&memory(4), 1_000), 1 << 48);
        assert_eq!(after(&memory(4), 4_000), 1 << 50);
        assert_eq!(after(&memory(4), u64::MAX), 1 << 50);
        assert_eq!(after(&Stress::Cpu { workers: 1, load: Percent::ALL }, 1), 0);
    }
}

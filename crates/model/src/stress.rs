//! Load that a worker puts on a machine: what it is told, what can be seen of it, and how much room there is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    BootTime, ByteSize, Duration, Percent,
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
}

impl Stress {
    /// How much memory shall be held this long after the beginning; none for other stress.
    #[must_use]
    pub fn planned(&self, age: std::time::Duration) -> ByteSize {
        match self {
            Self::Cpu { .. } => ByteSize::ZERO,
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

/// What one injection does to a machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StressStatus {
    /// The boot that was looked at.
    pub boot_id: String,
    /// Its workers, those that have ended included.
    pub workers: Vec<StressWorker>,
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
    /// Memory it holds, in bytes.
    pub held_bytes: u64,
    /// Memory of it that was swapped out, in bytes.
    pub swapped_bytes: u64,
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

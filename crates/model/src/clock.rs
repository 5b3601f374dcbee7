//! Time as an argument. Whoever needs the time takes a [`Clock`]; tests move one by hand.

use std::time::Duration as StdDuration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Microseconds since 1970-01-01T00:00:00Z. For people and records, never for deadlines: it can jump.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct WallTime(pub i64);

/// Nanoseconds since this machine booted, suspend included (`CLOCK_BOOTTIME`). Deadlines and leases use it,
/// together with the boot id, so that a changed wall clock moves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct BootTime(pub u64);

impl BootTime {
    /// This instant moved into the future by `duration`, saturating.
    #[must_use]
    pub fn after(self, duration: StdDuration) -> Self {
        Self(self.0.saturating_add(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)))
    }

    /// Time from `earlier` to this instant; zero when `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> StdDuration {
        StdDuration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// Where the time comes from.
pub trait Clock: Send + Sync {
    /// The wall clock.
    fn wall(&self) -> WallTime;
    /// Time since boot.
    fn boot(&self) -> BootTime;
    /// Identifies this boot of this machine (`/proc/sys/kernel/random/boot_id`).
    fn boot_id(&self) -> String;
}

/// A clock that only moves when told to.
#[derive(Debug, Default)]
pub struct ManualClock(std::sync::atomic::AtomicU64);

impl ManualClock {
    /// Moves time forward.
    pub fn advance(&self, by: StdDuration) {
        let nanos = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        self.0.fetch_add(nanos, std::sync::atomic::Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn wall(&self) -> WallTime {
        WallTime(i64::try_from(self.boot().0 / 1_000).unwrap_or(i64::MAX))
    }

    fn boot(&self) -> BootTime {
        BootTime(self.0.load(std::sync::atomic::Ordering::SeqCst))
    }

    fn boot_id(&self) -> String {
        "manual".to_owned()
    }
}

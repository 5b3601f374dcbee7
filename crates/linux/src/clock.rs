//! The clocks of this machine.

use rustix::time::{ClockId, clock_gettime};
use steadfast_model::{BootTime, Clock, WallTime};

use crate::{LinuxError, identity::boot_id};

/// The system's clocks: `CLOCK_BOOTTIME` for deadlines, `CLOCK_REALTIME` for people.
#[derive(Debug, Clone)]
pub struct SystemClock {
    boot_id: String,
}

impl SystemClock {
    /// Reads the boot id once.
    ///
    /// # Errors
    /// When `/proc` does not tell the boot id.
    pub fn new() -> Result<Self, LinuxError> {
        Ok(Self { boot_id: boot_id()? })
    }
}

impl Clock for SystemClock {
    fn wall(&self) -> WallTime {
        let now = clock_gettime(ClockId::Realtime);
        WallTime(now.tv_sec.saturating_mul(1_000_000).saturating_add(now.tv_nsec / 1_000))
    }

    fn boot(&self) -> BootTime {
        let now = clock_gettime(ClockId::Boottime);
        let seconds = u64::try_from(now.tv_sec).expect("time since boot is never negative");
        let nanos = u64::try_from(now.tv_nsec).expect("a part of a second is never negative");
        BootTime(seconds.saturating_mul(1_000_000_000).saturating_add(nanos))
    }

    fn boot_id(&self) -> String {
        self.boot_id.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boot_time_moves_forward_and_agrees_with_uptime() {
        let clock = SystemClock::new().unwrap();
        let uptime = std::fs::read_to_string("/proc/uptime").unwrap();
        let uptime: f64 = uptime.split(' ').next().unwrap().parse().unwrap();
        let first = clock.boot();
        let second = clock.boot();
        assert!(second >= first);
        assert!(((first.0 as f64) / 1e9 - uptime).abs() < 5.0);
        assert_eq!(clock.boot_id().len(), 36);
        assert!(clock.wall().0 > 1_700_000_000_000_000);
    }
}

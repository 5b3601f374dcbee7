//! Processor time of another process.

use std::{fs, time::Duration};

use anyhow::{Context, Result};

/// Time on a processor so far, of all its threads, to the nanosecond.
pub(super) fn used(pid: u32) -> Result<Duration> {
    let mut sum = 0;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        // The first number is the time on a processor in nanoseconds (Documentation/scheduler/sched-stats.rst).
        let text = fs::read_to_string(thread?.path().join("schedstat"))?;
        let spent = text.split_whitespace().next().context("schedstat is empty")?;
        sum += spent.parse::<u64>()?;
    }
    Ok(Duration::from_nanos(sum))
}

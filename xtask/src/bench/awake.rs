//! Keeps processors from halting while latency is measured.
//!
//! A processor that halts between two messages takes some microseconds to wake up, on a virtual machine many; then the
//! idler of two cases is the slower one. So every processor gets a process that does nothing, at the lowest priority there
//! is (SCHED_IDLE), which gives way to everything at once. All cases are measured beside them.

use std::process::{Child, Stdio};

use anyhow::{Context, Result};

use crate::program::program;

/// Processors stay awake as long as this lives.
pub(super) struct Awake(Vec<Child>);

impl Awake {
    /// One process a processor, bound to it.
    pub(super) fn begin() -> Result<Self> {
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let mut awake = Self(Vec::new());
        for number in 0..processors {
            let number = number.to_string();
            let words = ["--idle", "0", "taskset", "--cpu-list", &number, "sh", "-c", "while :; do :; done"];
            let mut command = program("chrt", &words);
            command.stdin(Stdio::null()).stdout(Stdio::null());
            awake.0.push(command.spawn().context("chrt keeps processors awake: apt-get install util-linux")?);
        }
        Ok(awake)
    }

    /// Whether all still run.
    pub(super) fn is_whole(&mut self) -> bool {
        self.0.iter_mut().all(|child| child.try_wait().is_ok_and(|ended| ended.is_none()))
    }
}

impl Drop for Awake {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // Both fail when it has ended already.
            drop(child.kill());
            drop(child.wait());
        }
    }
}

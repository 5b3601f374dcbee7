//! Keeps processors from halting while latency is measured.
//!
//! A processor that halts between two messages takes some microseconds to wake up, on a virtual machine many; then the
//! idler of two cases is the slower one. So every processor gets a process that does nothing, at the lowest priority there
//! is (SCHED_IDLE), which gives way to everything at once. All cases are measured beside them.

use std::process::{Child, Stdio};

use anyhow::{Context, Result, ensure};

use crate::program::program;

/// Also ends when whoever started it was killed.
const SPIN: &str = r#"while kill -0 "$PPID" 2>/dev/null; do :; done"#;

/// Processors stay awake as long as this lives.
pub(super) struct Awake(Vec<Child>);

impl Awake {
    /// One process a processor, bound to it.
    pub(super) fn begin() -> Result<Self> {
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let mut awake = Self(Vec::new());
        for number in 0..processors {
            let number = number.to_string();
            let words = ["--idle", "0", "taskset", "--cpu-list", &number, "sh", "-c", SPIN];
            let mut command = program("chrt", &words);
            command.stdin(Stdio::null()).stdout(Stdio::null());
            awake.0.push(command.spawn().context("chrt keeps processors awake: apt-get install util-linux")?);
        }
        Ok(awake)
    }

    /// Fails unless all still run: what was measured does not count otherwise.
    pub(super) fn ensure_whole(&mut self) -> Result<()> {
        let whole = self.0.iter_mut().all(|child| child.try_wait().is_ok_and(|ended| ended.is_none()));
        ensure!(whole, "a process that keeps a processor awake has ended");
        Ok(())
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

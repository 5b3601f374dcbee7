//! What the kernel counts of a process that makes load.

use std::{io, os::unix::fs::MetadataExt, path::PathBuf};

use steadfast_model::{Clock, process::ProcessIdentity, stress::CpuLimit};

use super::{THREAD, cgroup, room::cpus_allowed};
use crate::{LinuxError, SystemClock, identify, stat};

/// Length of a clock tick in `/proc`: 10 ms on x86-64 and aarch64 (`USER_HZ`).
const TICK_NANOS: u64 = 10_000_000;

/// Counts of a process, and of its threads that make load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// How long the oldest of them has lived, in nanoseconds.
    pub age_nanos: u64,
    /// Their CPU time, in nanoseconds.
    pub ran_nanos: u64,
    /// How long they wanted to run and waited for a CPU, in nanoseconds; zero where the kernel does not say.
    pub waited_nanos: u64,
    /// Anonymous memory of the process, in bytes.
    pub held_bytes: u64,
    /// Memory of it that was swapped out, in bytes.
    pub swapped_bytes: u64,
    /// Room that its files without a name take, in bytes.
    pub file_bytes: u64,
    /// What it read from storage, in bytes; zero where the kernel does not say.
    pub read_bytes: u64,
    /// What it wrote to storage, in bytes; zero where the kernel does not say.
    pub written_bytes: u64,
    /// CPUs it may run on.
    pub usable_cpus: u32,
    /// How much CPU time its cgroup leaves it.
    pub cpu_limit: Option<CpuLimit>,
}

/// Looks at a process; `None` when it is gone.
///
/// # Errors
/// When `/proc` cannot be read.
pub fn usage(process: &ProcessIdentity) -> Result<Option<Usage>, LinuxError> {
    let read = read(process.pid);
    // Last: what was read is of the process that was meant only if that is still there. One that has ended but was not
    // collected yet answers to some files with errors.
    if identify(process.pid)?.as_ref() == Some(process) { read } else { Ok(None) }
}

fn read(pid: u32) -> Result<Option<Usage>, LinuxError> {
    let folder = PathBuf::from(format!("/proc/{pid}"));
    let Some(status) = gone_or(std::fs::read_to_string(folder.join("status")), &folder)? else {
        return Ok(None);
    };
    let io = std::fs::read_to_string(folder.join("io")).unwrap_or_default();
    let mut usage = Usage {
        age_nanos: 0,
        ran_nanos: 0,
        waited_nanos: 0,
        held_bytes: kibibytes(&status, "RssAnon:"),
        swapped_bytes: kibibytes(&status, "VmSwap:"),
        read_bytes: number(&io, "read_bytes:"),
        written_bytes: number(&io, "write_bytes:"),
        file_bytes: nameless_files(&folder.join("fd")),
        usable_cpus: cpus_allowed(&status),
        cpu_limit: cgroup::cpu_limit(pid)?,
    };
    let tasks = folder.join("task");
    let Some(entries) = gone_or(std::fs::read_dir(&tasks), &tasks)? else { return Ok(None) };
    for entry in entries.filter_map(Result::ok) {
        let name = std::fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
        if name.trim_end() == THREAD {
            add_thread(&mut usage, &entry.path())?;
        }
    }
    Ok(Some(usage))
}

fn add_thread(usage: &mut Usage, folder: &std::path::Path) -> Result<(), LinuxError> {
    let path = folder.join("stat");
    let Some(line) = gone_or(std::fs::read(&path), &path)? else { return Ok(()) };
    let Some(stat) = stat::parse(&String::from_utf8_lossy(&line)) else { return Ok(()) };
    let age = SystemClock::new()?.boot().0.saturating_sub(stat.start_time.saturating_mul(TICK_NANOS));
    usage.age_nanos = usage.age_nanos.max(age);
    let (ran, waited) = std::fs::read_to_string(folder.join("schedstat"))
        .ok()
        .and_then(|text| schedstat(&text))
        .unwrap_or((stat.cpu_ticks.saturating_mul(TICK_NANOS), 0));
    usage.ran_nanos = usage.ran_nanos.saturating_add(ran);
    usage.waited_nanos = usage.waited_nanos.saturating_add(waited);
    Ok(())
}

/// What the files take that are open there and have no name, in bytes; zero for a process of somebody else.
fn nameless_files(descriptors: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(descriptors).into_iter().flatten().filter_map(Result::ok);
    let found = entries.filter_map(|entry| std::fs::metadata(entry.path()).ok());
    found.filter(|file| file.is_file() && file.nlink() == 0).map(|file| file.blocks() * 512).sum()
}

/// Time on a CPU, and time waiting for one: the first two numbers, in nanoseconds (sched-stats of the kernel).
fn schedstat(text: &str) -> Option<(u64, u64)> {
    let mut numbers = text.split_ascii_whitespace().map(str::parse);
    let (ran, waited) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    // Kernels that do not count show zeros, also for a thread that just read this.
    (ran > 0).then_some((ran, waited))
}

/// A line such as `RssAnon:  164 kB`, in bytes; zero when there is none.
fn kibibytes(status: &str, name: &str) -> u64 {
    number(status, name).saturating_mul(1024)
}

/// The number of a line such as `read_bytes: 4096`; zero when there is none.
fn number(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.split_ascii_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// `None` for a process that has ended.
fn gone_or<T>(read: io::Result<T>, path: &std::path::Path) -> Result<Option<T>, LinuxError> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(error) if stat::is_gone(&error) => Ok(None),
        Err(source) => Err(LinuxError::Read { path: path.to_owned(), source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_and_others_are_zero() {
        let status = "Name:\tx\nRssAnon:\t     164 kB\nVmSwap:\t2 kB\n";
        assert_eq!((kibibytes(status, "RssAnon:"), kibibytes(status, "VmSwap:")), (164 * 1024, 2048));
        assert_eq!((kibibytes(status, "VmLck:"), kibibytes("RssAnon: x kB", "RssAnon:")), (0, 0));
    }

    #[test]
    fn a_kernel_that_does_not_count_waiting_is_known_by_its_zeros() {
        assert_eq!(schedstat("12 34 5\n"), Some((12, 34)));
        assert_eq!(schedstat("0 0 0\n"), None);
        assert_eq!(schedstat("x"), None);
    }
}

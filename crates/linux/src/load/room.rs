//! How much of this machine a process started here may use.

use std::path::PathBuf;

use steadfast_model::{ByteSize, stress::Room};

use super::cgroup;
use crate::LinuxError;

/// What there is now.
///
/// # Errors
/// When `/proc` does not tell.
pub fn room() -> Result<Room, LinuxError> {
    let read = |path: &str| {
        std::fs::read_to_string(path).map_err(|source| LinuxError::Read { path: PathBuf::from(path), source })
    };
    let own = std::process::id();
    let status = read("/proc/self/status")?;
    let usable_cpus = cpus_allowed(&status).max(1);
    let online = std::fs::read_to_string("/sys/devices/system/cpu/online").unwrap_or_default();
    let mut room = Room {
        cpus: count(&online).max(usable_cpus),
        usable_cpus,
        cpu_limit: cgroup::cpu_limit(own)?,
        available: ByteSize::new(available(&read("/proc/meminfo")?)).unwrap_or_default(),
        memory_limited_by: None,
    };
    if let Some((left, cgroup)) = cgroup::memory_left(own)?
        && left < room.available
    {
        room.available = left;
        room.memory_limited_by = Some(cgroup);
    }
    Ok(room)
}

/// How many CPUs a process may run on, from its `/proc/PID/status`; zero when it does not say.
pub(super) fn cpus_allowed(status: &str) -> u32 {
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    list.map_or(0, count)
}

/// How many CPUs a list such as `0-3,8` names.
fn count(list: &str) -> u32 {
    let one = |range: &str| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last): (u32, u32) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        last.checked_sub(first)?.checked_add(1)
    };
    list.split(',').filter_map(one).fold(0, u32::saturating_add)
}

/// `MemAvailable` of `/proc/meminfo`, in bytes.
fn available(meminfo: &str) -> u64 {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let number = line.and_then(|line| line.split_ascii_whitespace().next()?.parse::<u64>().ok());
    number.unwrap_or(0).saturating_mul(1024)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lists_of_cpus_are_counted() {
        for (list, number) in [("0-1\n", 2), ("0", 1), ("0-3,8,10-11", 7), ("", 0), ("x,1", 1), ("3-1", 0)] {
            assert_eq!(count(list), number, "{list}");
        }
    }

    #[test]
    fn this_machine_has_room_for_this_test() {
        let room = room().unwrap();
        assert!(room.cpus >= room.usable_cpus && room.usable_cpus >= 1);
        assert!(room.available.bytes() > 1 << 20, "{room:?}");
    }

    proptest! {
        #[test]
        fn whatever_stands_there_is_read_without_harm(text in ".*") {
            count(&text);
            available(&text);
            available(&format!("MemAvailable: {text}"));
            cpus_allowed(&format!("Cpus_allowed_list:{text}"));
        }
    }
}

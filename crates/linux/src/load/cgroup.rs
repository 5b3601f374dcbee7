//! What the cgroups of a process leave it, in both versions of cgroups. A cgroup is bound by those above it too.

use std::{fs, path::PathBuf};

use steadfast_model::{ByteSize, cgroup::CpuQuota, stress::CpuLimit};

use crate::{LinuxError, stat};

/// Where a process stands in one hierarchy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// The folder it is seen at.
    pub(crate) mount: PathBuf,
    /// Its cgroup, as a path below that folder.
    pub(crate) below: String,
    pub(crate) unified: bool,
}

impl Place {
    /// The folders of the cgroup and of those above it that can be seen, with their names.
    fn folders(&self) -> Vec<(PathBuf, String)> {
        let parts: Vec<&str> = self.below.split('/').filter(|part| !part.is_empty()).collect();
        let folder = |length: usize| {
            let path = parts[..length].join("/");
            (self.mount.join(&path), format!("/{path}"))
        };
        (0..=parts.len()).rev().map(folder).collect()
    }
}

/// The tightest limit of CPU time; `None` without one.
pub(super) fn cpu_limit(pid: u32) -> Result<Option<CpuLimit>, LinuxError> {
    let limits = places(pid, "cpu")?.into_iter().filter_map(|place| cpu_limit_at(&place));
    Ok(limits.min_by_key(|limit| limit.millis))
}

/// The tightest of a cgroup and of those above it.
pub(crate) fn cpu_limit_at(place: &Place) -> Option<CpuLimit> {
    let limit = |(folder, cgroup): (PathBuf, String)| {
        let read = |file: &str| fs::read_to_string(folder.join(file)).ok();
        let millis = if place.unified {
            quota(&read("cpu.max")?)
        } else {
            quota(&format!("{} {}", read("cpu.cfs_quota_us")?.trim(), read("cpu.cfs_period_us")?.trim()))
        };
        millis.map(|millis| CpuLimit { millis, cgroup })
    };
    place.folders().into_iter().filter_map(limit).min_by_key(|limit| limit.millis)
}

/// How much memory the tightest limit leaves, and whose it is; `None` without one.
pub(super) fn memory_left(pid: u32) -> Result<Option<(ByteSize, String)>, LinuxError> {
    let left = places(pid, "memory")?.into_iter().flat_map(|place| {
        let left = move |(folder, cgroup): (PathBuf, String)| {
            let read = |file: &str| fs::read_to_string(folder.join(file)).ok();
            let (limit, used, stats) = if place.unified {
                (read("memory.max")?, read("memory.current")?, "inactive_file")
            } else {
                (read("memory.limit_in_bytes")?, read("memory.usage_in_bytes")?, "total_inactive_file")
            };
            let cached = named(&read("memory.stat").unwrap_or_default(), stats);
            // Version 1 writes a number near 2^63 where there is no limit: more than a size can be.
            let left = left(&limit, &used, cached)?;
            ByteSize::new(left).map(|left| (left, cgroup))
        };
        place.clone().folders().into_iter().filter_map(left).collect::<Vec<_>>()
    });
    Ok(left.min())
}

/// In thousandths of a CPU; `None` without a limit.
fn quota(text: &str) -> Option<u64> {
    cpu_quota(text)?.millis()
}

/// `100000 50000` is a quota and its period; `max 50000` and `-1 50000` are no limit.
pub(crate) fn cpu_quota(text: &str) -> Option<CpuQuota> {
    let (quota, period) = text.trim().split_once(' ')?;
    let quota_micros = match quota {
        "max" | "-1" => None,
        number => Some(number.parse().ok()?),
    };
    Some(CpuQuota { quota_micros, period_micros: period.trim().parse().ok()? })
}

/// What can be taken before the limit: what is cached of files and not in use can be dropped for it.
fn left(limit: &str, used: &str, cached: u64) -> Option<u64> {
    let (limit, used): (u64, u64) = (limit.trim().parse().ok()?, used.trim().parse().ok()?);
    Some(limit.saturating_sub(used.saturating_sub(cached)))
}

/// A line such as `inactive_file 4096`; zero when there is none.
pub(crate) fn named(stats: &str, name: &str) -> u64 {
    let line = stats.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.and_then(|number| number.trim().parse().ok()).unwrap_or(0)
}

/// Where a process stands in the hierarchies that may limit it: in version 2, and in that of a controller of version 1.
fn places(pid: u32, controller: &str) -> Result<Vec<Place>, LinuxError> {
    let read = |file: &str| {
        let path = PathBuf::from(format!("/proc/{pid}/{file}"));
        match fs::read_to_string(&path) {
            Ok(text) => Ok(text),
            Err(error) if stat::is_gone(&error) => Ok(String::new()),
            // A kernel without cgroups limits nothing, and has no such file; others may not be looked at.
            Err(source) => Err(LinuxError::Read { path, source }),
        }
    };
    Ok(parse(&read("cgroup")?, &read("mountinfo")?, controller))
}

/// Reads `/proc/PID/cgroup` (cgroups(7)) and `/proc/PID/mountinfo` (proc_pid_mountinfo(5)).
pub(crate) fn parse(cgroups: &str, mounts: &str, controller: &str) -> Vec<Place> {
    let mut places = Vec::new();
    for line in cgroups.lines() {
        let mut fields = line.splitn(3, ':');
        let (Some(number), Some(controllers), Some(path)) = (fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        let unified = number == "0" && controllers.is_empty();
        if !unified && controllers.split(',').all(|name| name != controller) {
            continue;
        }
        let mount = mounts.lines().filter_map(mount).find(|mount| match unified {
            true => mount.kind == "cgroup2",
            false => mount.kind == "cgroup" && mount.options.split(',').any(|option| option == controller),
        });
        let Some(mount) = mount else { continue };
        // Only a part of the hierarchy may be seen here, as in a container.
        let below = path.strip_prefix(mount.root.trim_end_matches('/')).unwrap_or("").to_owned();
        // Paths that lead up are of a cgroup that cannot be seen from here.
        let below = if below.split('/').any(|part| part == "..") { String::new() } else { below };
        places.push(Place { mount: PathBuf::from(mount.point), below, unified });
    }
    places
}

struct Mount<'a> {
    root: String,
    point: String,
    kind: &'a str,
    options: &'a str,
}

fn mount(line: &str) -> Option<Mount<'_>> {
    let (before, after) = line.split_once(" - ")?;
    let (mut before, mut after) = (before.split(' ').skip(3), after.split(' '));
    let (root, point) = (unescaped(before.next()?), unescaped(before.next()?));
    let kind = after.next()?;
    Some(Mount { root, point, kind, options: after.nth(1)? })
}

/// Blanks and such stand there as `\040`.
fn unescaped(text: &str) -> String {
    let mut plain = text.to_owned();
    for (escaped, letter) in [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")] {
        plain = plain.replace(escaped, letter);
    }
    plain
}

#[cfg(test)]
mod tests;

//! The cgroup that limits the CPU time of a process: finding it, who is in it, and changing its limit.

use std::{
    fs::File,
    io::{self, Read, Write},
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{CWD, Mode, OFlags, fstat, openat},
    io::Errno,
};
use steadfast_model::{
    ProcessIdentity,
    cgroup::{CgroupIdentity, CpuGroup, CpuQuota},
};

use crate::{
    LinuxError, boot_id, identify,
    load::cgroup::{self, Place, cpu_quota, named},
    stat,
};

/// What came of changing a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// It was changed.
    Done,
    /// The cgroup is not there any more.
    Gone,
    /// Its quota, in microseconds, was not the one that was to be changed, and still is what it was.
    Differs(Option<u64>),
}

/// The cgroup of a process that limits its CPU time, in version 1 or 2; `None` when the process is gone.
///
/// # Errors
/// [`LinuxError::Missing`] where no cgroup of it can limit CPU time, and when the kernel does not tell.
pub fn cpu_group(process: &ProcessIdentity) -> Result<Option<CpuGroup>, LinuxError> {
    let Some(cgroups) = text_of(&PathBuf::from(format!("/proc/{}/cgroup", process.pid)))? else {
        return Ok(None);
    };
    // As they are mounted where this process can change them, which may be elsewhere for that one.
    let mounts = text_of(Path::new("/proc/self/mountinfo"))?.unwrap_or_default();
    let missing =
        |why: &str| LinuxError::Missing { what: format!("limit the CPU time of process {process}: {why}") };
    let places = cgroup::parse(&cgroups, &mounts, "cpu");
    let first = places.iter().find(|place| !place.unified).or(places.first());
    let Some(place) = first else { return Err(missing("it is in no cgroup with a cpu controller")) };
    let folder = folder_of(place);
    let Some(open) = Open::at(&folder)? else { return Err(missing("its cgroup cannot be seen from here")) };
    let identity = CgroupIdentity { folder, inode: open.inode, boot_id: boot_id()?, unified: place.unified };
    let is_root = place.below.trim_matches('/').is_empty();
    let quota = match open.quota(&identity)? {
        Some(quota) => quota,
        // The root of version 2 has no limit, and no file for one.
        None if is_root => CpuQuota { quota_micros: None, period_micros: 100_000 },
        None => return Err(missing("the cpu controller is not switched on for its cgroup")),
    };
    let (throttled, throttled_nanos) = counts(&open.read("cpu.stat")?.unwrap_or_default());
    let tightest = cgroup::cpu_limit_at(place);
    // Last: what was read is of the process that was meant only if it is still there, and still in that cgroup.
    if !is_root
        && !open.read("cgroup.procs")?.unwrap_or_default().lines().any(|pid| pid == process.pid.to_string())
    {
        let gone = identify(process.pid)?.as_ref() != Some(process);
        return if gone { Ok(None) } else { Err(missing("its cgroup cannot be seen from here")) };
    }
    let is_it = identify(process.pid)?.as_ref() == Some(process);
    Ok(is_it.then_some(CpuGroup { identity, is_root, quota, tightest, throttled, throttled_nanos }))
}

/// The numbers of the processes in a cgroup and in all below it; none when it is gone.
///
/// # Errors
/// When the kernel does not tell.
pub fn processes_in(cgroup: &CgroupIdentity) -> Result<Vec<u32>, LinuxError> {
    let mut found = Vec::new();
    let mut folders = vec![cgroup.folder.clone()];
    while let Some(folder) = folders.pop() {
        let listed = text_of(&folder.join("cgroup.procs"))?.unwrap_or_default();
        found.extend(listed.lines().filter_map(|pid| pid.trim().parse::<u32>().ok()));
        let below = std::fs::read_dir(&folder).into_iter().flatten().filter_map(Result::ok);
        folders.extend(
            below.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path()),
        );
    }
    Ok(found)
}

/// Changes the quota of a cgroup, in microseconds, from one that is known to another. Its period stays.
///
/// # Errors
/// When the kernel refuses.
pub fn change_quota(
    cgroup: &CgroupIdentity,
    from: Option<u64>,
    to: Option<u64>,
) -> Result<Changed, LinuxError> {
    if cgroup.boot_id != boot_id()? {
        return Ok(Changed::Gone);
    }
    let Some(open) = Open::at(&cgroup.folder)?.filter(|open| open.inode == cgroup.inode) else {
        return Ok(Changed::Gone);
    };
    let Some(quota) = open.quota(cgroup)? else { return Ok(Changed::Gone) };
    if quota.quota_micros != from {
        return Ok(Changed::Differs(quota.quota_micros));
    }
    open.write(&cgroup.quota_file(), &cgroup.quota_text(to))
}

/// A cgroup's folder that is held open: what is read and written there is of that very cgroup.
struct Open {
    descriptor: OwnedFd,
    folder: PathBuf,
    inode: u64,
}

impl Open {
    fn at(folder: &Path) -> Result<Option<Self>, LinuxError> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let failed = |errno| LinuxError::call(format!("open {}", folder.display()), errno);
        let descriptor = match openat(CWD, folder, flags, Mode::empty()) {
            Ok(descriptor) => descriptor,
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
            Err(errno) => return Err(failed(errno)),
        };
        let inode = fstat(&descriptor).map_err(failed)?.st_ino;
        Ok(Some(Self { descriptor, folder: folder.to_owned(), inode }))
    }

    /// `None` where there is no such file, or no cgroup any more.
    fn read(&self, name: &str) -> Result<Option<String>, LinuxError> {
        let mut text = String::new();
        let opened = openat(&self.descriptor, name, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
        let read =
            opened.map_err(io::Error::from).and_then(|file| File::from(file).read_to_string(&mut text));
        match read {
            Ok(_) => Ok(Some(text)),
            Err(error) if is_gone(&error) => Ok(None),
            Err(source) => Err(LinuxError::Read { path: self.folder.join(name), source }),
        }
    }

    fn quota(&self, cgroup: &CgroupIdentity) -> Result<Option<CpuQuota>, LinuxError> {
        let text = if cgroup.unified {
            self.read("cpu.max")?
        } else {
            let (quota, period) = (self.read("cpu.cfs_quota_us")?, self.read("cpu.cfs_period_us")?);
            quota.zip(period).map(|(quota, period)| format!("{} {}", quota.trim(), period.trim()))
        };
        let strange = || LinuxError::Read {
            path: cgroup.quota_file(),
            source: io::Error::other("a line of another form"),
        };
        text.map(|text| cpu_quota(&text).ok_or_else(strange)).transpose()
    }

    fn write(&self, file: &Path, text: &str) -> Result<Changed, LinuxError> {
        let name = file.file_name().unwrap_or_default();
        let opened = openat(&self.descriptor, name, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty());
        let written =
            opened.map_err(io::Error::from).and_then(|found| File::from(found).write_all(text.as_bytes()));
        match written {
            Ok(()) => Ok(Changed::Done),
            Err(error) if is_gone(&error) => Ok(Changed::Gone),
            Err(error) => {
                let errno = Errno::from_io_error(&error).unwrap_or(Errno::IO);
                Err(LinuxError::call(format!("write {text} to {}", file.display()), errno))
            }
        }
    }
}

/// A cgroup that is removed while its folder is open answers that there is no such device.
fn is_gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(Errno::NODEV.raw_os_error())
}

fn folder_of(place: &Place) -> PathBuf {
    place.mount.join(place.below.trim_start_matches('/'))
}

/// How often and how long, in nanoseconds, a cgroup was held back.
fn counts(stats: &str) -> (u64, u64) {
    let nanos = named(stats, "throttled_time").max(named(stats, "throttled_usec").saturating_mul(1_000));
    (named(stats, "nr_throttled"), nanos)
}

fn text_of(path: &Path) -> Result<Option<String>, LinuxError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if stat::is_gone(&error) || is_gone(&error) => Ok(None),
        Err(source) => Err(LinuxError::Read { path: path.to_owned(), source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_are_read() {
        let read = |text| cpu_quota(text).map(|quota| (quota.quota_micros, quota.period_micros));
        assert_eq!(read("max 100000\n"), Some((None, 100_000)));
        assert_eq!(read("-1 50000"), Some((None, 50_000)));
        assert_eq!(read("20000 100000\n"), Some((Some(20_000), 100_000)));
        assert_eq!((read("x 1"), read("1"), read("")), (None, None, None));
        assert_eq!(counts("nr_periods 9\nnr_throttled 3\nthrottled_time 700\n"), (3, 700));
        assert_eq!(counts("usage_usec 1\nnr_throttled 2\nthrottled_usec 7\n"), (2, 7_000));
        assert_eq!(counts(""), (0, 0));
    }

    #[test]
    fn what_is_gone_is_not_changed() {
        let cgroup = CgroupIdentity {
            folder: "/nowhere/shop".into(),
            inode: 1,
            boot_id: boot_id().unwrap(),
            unified: false,
        };
        assert_eq!(change_quota(&cgroup, None, Some(1_000)).unwrap(), Changed::Gone);
        let earlier = CgroupIdentity { folder: "/".into(), boot_id: "another".to_owned(), ..cgroup.clone() };
        assert_eq!(change_quota(&earlier, None, Some(1_000)).unwrap(), Changed::Gone);
        // Another folder under the same name.
        let other = CgroupIdentity { folder: "/".into(), inode: u64::MAX, ..cgroup.clone() };
        assert_eq!(change_quota(&other, None, Some(1_000)).unwrap(), Changed::Gone);
        assert_eq!(processes_in(&cgroup).unwrap(), Vec::<u32>::new());
        let nobody = ProcessIdentity { pid: u32::MAX, start_time: 1, boot_id: "b".to_owned() };
        assert_eq!(cpu_group(&nobody).unwrap(), None);
    }
}

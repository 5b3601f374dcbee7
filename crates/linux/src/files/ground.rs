//! A directory, and what stands in the way of covering it. Looks and changes nothing.

use std::{
    collections::BTreeMap,
    fs,
    os::fd::{AsRawFd, OwnedFd},
    path::{Path, PathBuf},
};

use rustix::fs::fstat;
use steadfast_model::{
    ProcessIdentity,
    files::{Ground, HeldFile, MountNamespace},
};

use super::{
    in_use::{mapped_files, open_files, working_directory},
    inside, mount_namespace,
    mounts::{Mount, mounts},
    processes_in,
};
use crate::{
    LinuxError, every_process_number, identify,
    trace::{Mapping, Obstacle, obstacle},
    volume::Directory,
};

/// Looks at a directory through the eyes of a process; `None` when that is gone.
///
/// # Errors
/// [`LinuxError::Call`] with `ELOOP`, `ENOENT` or `ENOTDIR` for what is no directory, [`LinuxError::Denied`],
/// [`LinuxError::Missing`] without /dev/fuse.
pub fn ground(process: &ProcessIdentity, path: &Path) -> Result<Option<Ground>, LinuxError> {
    let pid = process.pid;
    drop(crate::fuse::device()?);
    let (Some(namespace), Some(mounted)) = (mount_namespace(pid)?, mounts(pid)?) else { return Ok(None) };
    // Of the first process even root may not know it everywhere.
    let is_of = |pid| matches!(mount_namespace(pid), Ok(Some(found)) if found == namespace);
    let is_the_machines = is_of(1) || is_of(std::process::id());
    let (root, directory) = inside(pid, || Ok((Directory::open(Path::new("/"))?, Directory::open(path)?)))?;
    let (root, directory) = (OwnedFd::from(root), OwnedFd::from(directory));
    let its_root = OwnedFd::from(Directory::open(&PathBuf::from(format!("/proc/{pid}/root")))?);
    let has_another_root = place(&root)? != place(&its_root)?;
    let number = mount_of(&directory)?;
    let found = mounted.iter().find(|mount| mount.number == number);
    let below = |mount: &&Mount| mount.point != path && mount.point.starts_with(path);
    let mut ground = Ground {
        is_the_machines,
        has_another_root,
        shows_in: match found.and_then(|mount| mount.shared) {
            Some(group) => shows_in(group, &namespace)?,
            None => Vec::new(),
        },
        mounts_below: mounted.iter().filter(below).map(|mount| mount.point.clone()).collect(),
        covered_by: found.map(|mount| mount.source.clone()).filter(|source| source.starts_with("steadfast_")),
        mapped: Vec::new(),
        locked: Vec::new(),
        special: bound_sockets(pid, path),
        removed: Vec::new(),
        unholdable: Vec::new(),
        filtered: Vec::new(),
        processes: 0,
        open: 0,
        namespace,
    };
    if !is_the_machines {
        for pid in processes_in(&ground.namespace)? {
            look_at(pid, path, number, &mut ground)?;
        }
    }
    Ok((identify(pid)?.as_ref() == Some(process)).then_some(ground))
}

/// What one process there has in use below it.
fn look_at(pid: u32, path: &Path, mount: u64, ground: &mut Ground) -> Result<(), LinuxError> {
    let Some(identity) = identify(pid)? else { return Ok(()) };
    ground.processes += 1;
    let held = |path: &Path| HeldFile { pid, path: path.to_owned() };
    let mut uses =
        usize::from(working_directory(pid).is_some_and(|at| at.mount == mount && at.below(path).is_some()));
    for file in open_files(pid)? {
        if file.at.mount != mount || file.at.below(path).is_none() {
            continue;
        }
        let list = if file.at.is_removed {
            &mut ground.removed
        } else if !file.at.is_plain() {
            &mut ground.special
        } else {
            ground.open += 1;
            uses += 1;
            if file.locks.is_empty() {
                continue;
            }
            &mut ground.locked
        };
        list.push(held(&file.at.name));
    }
    let shared = |mapped: &&Mapping| {
        mapped.is_shared() && Path::new(&mapped.name).starts_with(path) && mapped.rights.contains('w')
    };
    ground
        .mapped
        .extend(mapped_files(pid)?.iter().filter(shared).map(|mapped| held(Path::new(&mapped.name))));
    if uses > 0 {
        match obstacle(&identity)?.flatten() {
            Some(Obstacle::Filtered) => ground.filtered.push(pid),
            Some(other) => ground.unholdable.push((pid, other.to_string())),
            None => {}
        }
    }
    Ok(())
}

/// Other mount namespaces to which mounts of this group spread, by the first process in each.
fn shows_in(group: u64, own: &MountNamespace) -> Result<Vec<u32>, LinuxError> {
    let mut namespaces = BTreeMap::new();
    for pid in every_process_number()? {
        if let Ok(Some(namespace)) = mount_namespace(pid)
            && namespace != *own
        {
            namespaces.entry(namespace.inode).or_insert(pid);
        }
    }
    let spreads = |mount: &Mount| mount.shared == Some(group) || mount.master == Some(group);
    let shows = |pid: &u32| matches!(mounts(*pid), Ok(Some(found)) if found.iter().any(spreads));
    Ok(namespaces.into_values().filter(shows).collect())
}

/// Sockets with a name below it: who connects by that name would not find them.
fn bound_sockets(pid: u32, path: &Path) -> Vec<HeldFile> {
    let table = fs::read_to_string(format!("/proc/{pid}/net/unix")).unwrap_or_default();
    let names = table.lines().filter_map(|line| line.split_ascii_whitespace().nth(7));
    let below = |name: &&str| Path::new(name).starts_with(path);
    let mut found: Vec<_> =
        names.filter(below).map(|name| HeldFile { pid: 0, path: PathBuf::from(name) }).collect();
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found.dedup();
    found
}

/// What makes a directory that very place: its file system, its number there, and the mount it was reached by.
fn place(directory: &OwnedFd) -> Result<(u64, u64, u64), LinuxError> {
    let found = fstat(directory).map_err(|errno| LinuxError::call("look at a directory", errno))?;
    Ok((found.st_dev, found.st_ino, mount_of(directory)?))
}

/// The number of the mount by which something was opened.
pub(super) fn mount_of(opened: &OwnedFd) -> Result<u64, LinuxError> {
    let path = PathBuf::from(format!("/proc/self/fdinfo/{}", opened.as_raw_fd()));
    let told = fs::read_to_string(&path).map_err(|source| LinuxError::Read { path: path.clone(), source })?;
    let number = told.lines().find_map(|line| line.strip_prefix("mnt_id:")?.trim().parse().ok());
    number.ok_or_else(|| LinuxError::Read { path, source: std::io::Error::other("it names no mount") })
}

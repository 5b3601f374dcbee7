//! Taking a cover away, whoever put it there, and whether or not its worker lives.

use std::{
    collections::{BTreeMap, BTreeSet},
    os::fd::OwnedFd,
    path::Path,
};

use rustix::{
    fs::{OFlags, fstat},
    io::Errno,
    mount::{UnmountFlags, unmount},
};
use steadfast_model::files::Cover;

use super::{
    cover::open_below,
    exchange::exchange,
    in_use::{Place, mapped_files, open_files, working_directory},
    inside, mount_namespace,
    mounts::{Mount, mounts},
};
use crate::{
    LinuxError, boot_id, every_process_number, fuse::FileServer, fuse::is_same_file, identify,
    volume::Directory,
};

/// The file system of a cover, as the kernel calls it. Others may name theirs as ours is named.
const KIND: &str = "fuse.steadfast";
/// How often is looked for what somebody else opened meanwhile, or was handed.
const ROUNDS: usize = 20;

/// Takes a cover away and gives everybody their files back. Its worker must have ended. Twice, or for one that never was,
/// succeeds, and so it does when nobody is left in the mount namespace.
///
/// What was removed while it was open went with the worker: it cannot be given back. Pipes, devices and sockets that were opened
/// below it stay with whoever has them open: they need nobody who serves them.
///
/// # Errors
/// When the mount, or something open below it, is still there; everybody who can have their files has got them back then.
pub fn uncover(cover: &Cover) -> Result<(), LinuxError> {
    take_away(cover, None)
}

/// The same by the worker itself, which knows also what was removed, and the number of its file system.
pub(super) fn take_away(cover: &Cover, served: Option<(&FileServer, (u32, u32))>) -> Result<(), LinuxError> {
    if cover.namespace.boot_id != boot_id()? {
        return Ok(());
    }
    let mut device = served.map(|(_, device)| device);
    let mut first = None;
    // Whoever left for a mount namespace of their own meanwhile took the mount along.
    let mut namespaces = BTreeSet::from([cover.namespace.inode]);
    for (inode, pid) in every_namespace()? {
        match remove_all(pid, cover, &mut first) {
            Ok(None) => {}
            Ok(Some(ours)) => {
                namespaces.insert(inode);
                device = device.or(Some(ours));
            }
            Err(error) => first = first.or(Some(error)),
        }
    }
    let pids = || -> Result<Vec<u32>, LinuxError> {
        let is_there = |pid: &u32| {
            *pid != std::process::id()
                && matches!(mount_namespace(*pid), Ok(Some(found)) if namespaces.contains(&found.inode))
        };
        Ok(every_process_number()?.into_iter().filter(is_there).collect())
    };
    let Some(device) = device.map_or_else(|| left_behind(&pids()?, cover), |device| Ok(Some(device)))? else {
        return first.map_or(Ok(()), Err);
    };
    for _ in 0..ROUNDS {
        let (mut users, mut exchanged) = (0, 0);
        for pid in pids()? {
            match give_back(pid, cover, device, served.map(|(server, _)| server)) {
                Ok(None) => {}
                Ok(Some(count)) => (users, exchanged) = (users + 1, exchanged + count),
                // The others do not wait for one that cannot be held.
                Err(error) => first = first.or(Some(error)),
            }
        }
        if let Some(error) = first {
            return Err(error);
        }
        // What cannot be had any more is no reason to try for ever.
        if users == 0 || (exchanged == 0 && served.is_none()) {
            return Ok(());
        }
    }
    let what = format!("give back the files below {}", cover.path.display());
    Err(LinuxError::Call { what, source: std::io::Error::other("some are still in use of the cover") })
}

/// Gives one process its files back, and says how many; `None` when it has none.
fn give_back(
    pid: u32,
    cover: &Cover,
    device: (u32, u32),
    server: Option<&FileServer>,
) -> Result<Option<usize>, LinuxError> {
    let Some(process) = identify(pid)?.filter(|_| uses(pid, device)) else { return Ok(None) };
    let directory = inside(pid, || Directory::open(&cover.path)).ok().map(OwnedFd::from);
    let choose = |at: &Place, flags| {
        if !is_of(at, device) {
            return Ok(None);
        }
        match server.and_then(|server| server.open_inode(at.inode, flags)) {
            Some(opened) => opened.map(Some),
            None => Ok(directory.as_ref().and_then(|directory| by_name(directory, at, flags))),
        }
    };
    Ok(Some(exchange(&process, &choose)?.count))
}

/// One process of every mount namespace.
fn every_namespace() -> Result<BTreeMap<u64, u32>, LinuxError> {
    let mut found = BTreeMap::new();
    for pid in every_process_number()? {
        if let Ok(Some(namespace)) = mount_namespace(pid) {
            found.entry(namespace.inode).or_insert(pid);
        }
    }
    Ok(found)
}

/// Unmounts the cover wherever it is in the mount namespace of a process, and says the number of its file system; `None` when
/// it is nowhere there. Where it was bound to as well it goes too, the last first: one may lie over another. What cannot be
/// unmounted is told in `first`, unless something was told there before.
fn remove_all(
    pid: u32,
    cover: &Cover,
    first: &mut Option<LinuxError>,
) -> Result<Option<(u32, u32)>, LinuxError> {
    let is_ours = |mount: &&Mount| mount.source == cover.source && mount.kind == KIND;
    let mounted = mounts(pid)?.unwrap_or_default();
    for ours in mounted.iter().rev().filter(is_ours) {
        let last = mounted.iter().rfind(|mount| mount.point == ours.point);
        if let Err(error) = remove(pid, &ours.point, last.as_ref().is_some_and(is_ours)) {
            first.get_or_insert(error);
        }
    }
    Ok(mounted.iter().find(is_ours).map(|ours| ours.device))
}

fn remove(pid: u32, at: &Path, is_on_top: bool) -> Result<(), LinuxError> {
    let what = format!("unmount {}", at.display());
    if !is_on_top {
        let why = "something else was mounted over it meanwhile: unmount that first";
        return Err(LinuxError::Call { what, source: std::io::Error::other(why) });
    }
    inside(pid, || match unmount(at, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW) {
        // Somebody else did it just now.
        Ok(()) | Err(Errno::INVAL | Errno::NOENT) => Ok(()),
        Err(errno) => Err(LinuxError::call(&what, errno)),
    })
}

/// Whether it is a file or directory of that file system.
fn is_of(at: &Place, device: (u32, u32)) -> bool {
    at.device == device && at.is_plain()
}

/// Whether a process still has something of that file system that can be given back.
fn uses(pid: u32, device: (u32, u32)) -> bool {
    open_files(pid).is_ok_and(|files| files.iter().any(|file| is_of(&file.at, device)))
        || working_directory(pid).is_some_and(|at| at.device == device)
        || mapped_files(pid).is_ok_and(|files| files.iter().any(|mapped| mapped.device == device))
}

/// The number of a file system of which only open files are left: whoever took the mount away died before giving them
/// back. They are files of a mount that is nowhere, and of the same number as what has their name below the directory.
fn left_behind(pids: &[u32], cover: &Cover) -> Result<Option<(u32, u32)>, LinuxError> {
    for &pid in pids {
        let mounted = mounts(pid)?.unwrap_or_default();
        let is_known = |device| mounted.iter().any(|mount| mount.device == device);
        let files = open_files(pid)?.into_iter().map(|file| file.at).chain(working_directory(pid));
        let mut suspects =
            files.filter(|at| at.device.0 == 0 && at.is_plain() && !is_known(at.device)).peekable();
        if suspects.peek().is_none() {
            continue;
        }
        let Ok(directory) = inside(pid, || Directory::open(&cover.path)) else { continue };
        let directory = OwnedFd::from(directory);
        if let Some(ours) = suspects.find(|at| by_name(&directory, at, OFlags::PATH).is_some()) {
            return Ok(Some(ours.device));
        }
    }
    Ok(None)
}

/// The directory's own file of the same name and number. The name is seen from the root of the mount, which is nowhere.
fn by_name(directory: &OwnedFd, at: &Place, flags: OFlags) -> Option<OwnedFd> {
    let below = at.name.strip_prefix("/").unwrap_or(Path::new(&at.name));
    let found = open_below(directory, below, flags).ok()?;
    let is_it = fstat(&found).is_ok_and(|found| is_same_file(at.inode, found.st_ino));
    is_it.then_some(found)
}

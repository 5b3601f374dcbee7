//! Covering a directory.

use std::{
    os::fd::{AsFd, AsRawFd, OwnedFd},
    path::Path,
    time::Duration,
};

use rustix::{
    fs::{
        AtFlags, Mode, OFlags, ResolveFlags, StatVfsMountFlags, StatxFlags, fstat, fstatvfs, openat2, statx,
    },
    io::Errno,
    mount::{
        FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, fsconfig_create, fsconfig_set_flag,
        fsconfig_set_string, fsmount, fsopen, move_mount,
    },
};
use steadfast_model::{
    ProcessIdentity,
    files::{Cover, CoverOrder},
};

use super::{
    exchange::exchange,
    ground::mount_of,
    in_use::{Place, open_files, working_directory},
    inside, mount_namespace, processes_in, uncover,
};
use crate::{
    LinuxError,
    fuse::{FileServer, device, is_same_file},
    identify,
    volume::Directory,
};

/// A directory that this process covers. It must be taken away: when this process ends before that, whoever uses the
/// directory meets errors.
#[derive(Debug)]
pub struct Covered {
    cover: Cover,
    server: FileServer,
    /// The number of its file system.
    device: (u32, u32),
    /// The longest that a process stood still for it.
    longest: Duration,
}

impl Covered {
    /// Covers it, and exchanges what everybody in the mount namespace has in use below it. Nothing is disturbed yet.
    ///
    /// # Errors
    /// When that cannot be; then it has been taken away again, as far as that went.
    pub fn put(order: &CoverOrder) -> Result<Self, LinuxError> {
        let cover = &order.cover;
        let pid = cover.process.pid;
        let gone = || LinuxError::Gone { what: format!("find process {pid} and its mount namespace") };
        if identify(pid)?.as_ref() != Some(&cover.process)
            || mount_namespace(pid)?.as_ref() != Some(&cover.namespace)
        {
            return Err(gone());
        }
        let device = device()?;
        let number = device.as_raw_fd();
        let (directory, mount) = inside(pid, || {
            let directory = OwnedFd::from(Directory::open(&cover.path)?);
            let mount = make(&directory, number, &cover.source)?;
            Ok((directory, mount))
        })?;
        let below = mount_of(&directory)?;
        let kept = directory.try_clone().map_err(|source| failed_with(cover, source))?;
        let server = FileServer::begin(device, kept, &cover.source, order.rule.clone())?;
        let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
        inside(pid, || move_mount(&mount, "", &directory, "", flags).map_err(|errno| failed(cover, errno)))?;
        let device = file_system(&mount).map_err(|errno| failed(cover, errno))?;
        let mut covered = Self { cover: cover.clone(), server, device, longest: Duration::ZERO };
        match covered.exchange_all(&mount, below) {
            Ok(()) => Ok(covered),
            Err(error) => {
                drop((mount, directory));
                match covered.take_away() {
                    Ok(()) => Err(error),
                    Err(worse) => Err(LinuxError::Call {
                        what: format!("{}, and then", error.with_causes()),
                        source: std::io::Error::other(worse.with_causes()),
                    }),
                }
            }
        }
    }

    /// From now on operations are disturbed.
    pub fn arm(&self) {
        self.server.arm();
    }

    /// The longest that a process stood still for it.
    #[must_use]
    pub fn longest_stop(&self) -> Duration {
        self.longest
    }

    /// Disturbs nothing from now on, takes the mount away, and gives everybody their files back.
    ///
    /// # Errors
    /// When somebody still uses it. It goes on to pass everything on, and this can be tried again.
    pub fn take_away(&self) -> Result<(), LinuxError> {
        self.server.disarm();
        uncover::take_away(&self.cover, Some((&self.server, self.device)))
    }

    /// Whether nobody uses anything of it any more. Waits at most so long; blocks this thread.
    #[must_use]
    pub fn is_unused_within(&self, patience: Duration) -> bool {
        self.server.ends_within(patience)
    }

    /// Whether nobody who uses it is served any more, as after `umount --force`. Then it only takes files away.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.server.has_ended()
    }

    /// Until a look finds no process that has something of the directory itself: others may start meanwhile.
    fn exchange_all(&mut self, mount: &OwnedFd, below: u64) -> Result<(), LinuxError> {
        let path = self.cover.path.clone();
        for _ in 0..ROUNDS {
            let mut found = false;
            for pid in processes_in(&self.cover.namespace)? {
                let Some(process) = identify(pid)? else { continue };
                if uses(&process, &path, below)? {
                    found = true;
                    let choose = |at: &Place, flags| match at.mount == below {
                        true => Ok(reopen(mount, &path, at, flags)),
                        false => Ok(None),
                    };
                    let exchanged = exchange(&process, &choose)?;
                    self.longest = self.longest.max(exchanged.still);
                }
            }
            if !found {
                return Ok(());
            }
        }
        Err(failed_with(&self.cover, std::io::Error::other("files are opened there again and again")))
    }
}

/// How often is looked for what somebody opened meanwhile.
const ROUNDS: usize = 10;

/// Whether a process has something open or works below the path, by the mount that is under the cover.
fn uses(process: &ProcessIdentity, path: &Path, mount: u64) -> Result<bool, LinuxError> {
    let is_there = |at: &Place| !at.is_removed && at.is_plain() && at.below(path).is_some();
    let open = open_files(process.pid)?;
    let works_at = working_directory(process.pid);
    Ok(open.iter().any(|file| file.at.mount == mount && is_there(&file.at))
        || works_at.is_some_and(|at| at.mount == mount && is_there(&at)))
}

/// The same file or directory below the mount; `None` where that is another by now, or what is in use is none of the
/// directory's.
fn reopen(mount: &OwnedFd, path: &Path, at: &Place, flags: OFlags) -> Option<OwnedFd> {
    let below = at.below(path).filter(|_| !at.is_removed && at.is_plain())?;
    let found = open_below(mount, below, flags).ok()?;
    let is_it = fstat(&found).is_ok_and(|found| is_same_file(found.st_ino, at.inode));
    is_it.then_some(found)
}

/// The number of the file system that a mount leads to.
fn file_system(mount: &OwnedFd) -> Result<(u32, u32), Errno> {
    let how = AtFlags::EMPTY_PATH | AtFlags::STATX_DONT_SYNC;
    let found = statx(mount, "", how, StatxFlags::INO)?;
    Ok((found.stx_dev_major, found.stx_dev_minor))
}

/// Opens what is below a directory, without a way out.
pub(super) fn open_below(directory: &OwnedFd, below: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
    let below = if below.as_os_str().is_empty() { Path::new(".") } else { below };
    let only_below = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
    openat2(directory, below, flags | OFlags::CLOEXEC, Mode::empty(), only_below)
}

/// A mount that is nowhere yet, with the restrictions of the one below.
fn make(directory: &OwnedFd, device: i32, source: &str) -> Result<OwnedFd, LinuxError> {
    let failed = |errno| match errno {
        Errno::NODEV | Errno::NOSYS => LinuxError::Missing { what: "make a FUSE file system".to_owned() },
        errno => LinuxError::call("make a FUSE file system", errno),
    };
    let restrictions = restrictions(directory).map_err(failed)?;
    let made = || {
        let context = fsopen("fuse", FsOpenFlags::FSOPEN_CLOEXEC)?;
        let context = context.as_fd();
        let device = device.to_string();
        for (key, value) in [
            ("source", source),
            ("subtype", "steadfast"),
            ("fd", &device),
            ("rootmode", "40000"),
            ("user_id", "0"),
            ("group_id", "0"),
        ] {
            fsconfig_set_string(context, key, value)?;
        }
        fsconfig_set_flag(context, "default_permissions")?;
        fsconfig_set_flag(context, "allow_other")?;
        fsconfig_create(context)?;
        fsmount(context, FsMountFlags::FSMOUNT_CLOEXEC, restrictions)
    };
    made().map_err(failed)
}

fn restrictions(directory: &OwnedFd) -> Result<MountAttrFlags, Errno> {
    let flags = fstatvfs(directory)?.f_flag;
    let pairs = [
        (StatVfsMountFlags::RDONLY, MountAttrFlags::MOUNT_ATTR_RDONLY),
        (StatVfsMountFlags::NOSUID, MountAttrFlags::MOUNT_ATTR_NOSUID),
        (StatVfsMountFlags::NODEV, MountAttrFlags::MOUNT_ATTR_NODEV),
        (StatVfsMountFlags::NOEXEC, MountAttrFlags::MOUNT_ATTR_NOEXEC),
    ];
    let set = pairs.into_iter().filter(|(is, _)| flags.contains(*is)).map(|(_, becomes)| becomes);
    Ok(set.fold(MountAttrFlags::empty(), |all, one| all | one))
}

fn failed(cover: &Cover, errno: Errno) -> LinuxError {
    LinuxError::call(format!("cover {}", cover.path.display()), errno)
}

fn failed_with(cover: &Cover, source: std::io::Error) -> LinuxError {
    LinuxError::Call { what: format!("cover {}", cover.path.display()), source }
}

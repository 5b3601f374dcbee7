//! File systems: which one a directory is on, how full it is, and files without a name there.

use std::{
    fs::File,
    os::fd::OwnedFd,
    path::{Component, Path, PathBuf},
};

use rustix::{
    fs::{
        CWD, Mode, OFlags, ResolveFlags, StatVfsMountFlags, fstat, fstatfs, fstatvfs, major, minor, openat,
        openat2,
    },
    io::Errno,
    process::geteuid,
};
use steadfast_model::stress::Volume;

use crate::LinuxError;

/// A directory that is held open, whatever its path leads to later.
#[derive(Debug)]
pub struct Directory {
    descriptor: OwnedFd,
    path: PathBuf,
}

/// Magic numbers of the kernel's magic.h, with the names of mount(8).
const KINDS: [(u64, &str); 28] = [
    (0xef53, "ext4"),
    (0x5846_5342, "xfs"),
    (0xf2f5_2010, "f2fs"),
    (0x9123_683e, "btrfs"),
    (0x2fc1_2fc1, "zfs"),
    (0xca45_1a4e, "bcachefs"),
    (0x4d44, "vfat"),
    (0x2011_bab0, "exfat"),
    (0x794c_7630, "overlay"),
    (0x6969, "nfs"),
    (0xff53_4d42, "cifs"),
    (0xfe53_4d42, "smb2"),
    (0x00c3_6400, "ceph"),
    (0x0102_1997, "9p"),
    (0x6573_5546, "fuse"),
    (0x7371_7368, "squashfs"),
    (0x9660, "iso9660"),
    (0x0102_1994, "tmpfs"),
    (0x8584_58f6, "ramfs"),
    (0x9584_58f6, "hugetlbfs"),
    (0x9fa0, "proc"),
    (0x6265_6572, "sysfs"),
    (0x1cd1, "devpts"),
    (0x0027_e0eb, "cgroup"),
    (0x6367_7270, "cgroup2"),
    (0x6462_6720, "debugfs"),
    (0x7472_6163, "tracefs"),
    (0xcafe_4a11, "bpf"),
];

impl Directory {
    /// Opens a directory. No symbolic link may be on the way there, save for what leads into the mount namespace of a
    /// process: `/proc/PID/root`.
    ///
    /// # Errors
    /// [`LinuxError::Call`] with `ELOOP` where there is a link, with `ENOENT` or `ENOTDIR` where there is no directory;
    /// [`LinuxError::Denied`]; [`LinuxError::Missing`] before Linux 5.6.
    pub fn open(path: &Path) -> Result<Self, LinuxError> {
        let failed = |errno| LinuxError::call(format!("open {}", path.display()), errno);
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let whole = || Some((PathBuf::from("/"), path.strip_prefix("/").ok()?.to_owned()));
        let (root, below) = into_namespace(path).or_else(whole).ok_or(Errno::INVAL).map_err(failed)?;
        let from = openat(CWD, root, flags, Mode::empty());
        let below = if below.as_os_str().is_empty() { Path::new(".") } else { below.as_path() };
        let found = openat2(from.map_err(failed)?, below, flags, Mode::empty(), ResolveFlags::NO_SYMLINKS);
        Ok(Self { descriptor: found.map_err(failed)?, path: path.to_owned() })
    }

    /// Opens a directory that Steadfast itself chose, links and all.
    ///
    /// # Errors
    /// As [`Directory::open`].
    pub fn open_own(path: &Path) -> Result<Self, LinuxError> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = openat(CWD, path, flags, Mode::empty());
        let failed = |errno| LinuxError::call(format!("open {}", path.display()), errno);
        Ok(Self { descriptor: opened.map_err(failed)?, path: path.to_owned() })
    }

    /// The device of its file system, as in `/proc/self/mountinfo`: `254:0`.
    ///
    /// # Errors
    /// When the kernel does not tell.
    pub fn device(&self) -> Result<String, LinuxError> {
        let found = fstat(&self.descriptor).map_err(|errno| self.failed("look at", errno))?;
        Ok(format!("{}:{}", major(found.st_dev), minor(found.st_dev)))
    }

    /// Its file system now. Whether that holds what Steadfast keeps is left to whoever knows where that is.
    ///
    /// # Errors
    /// When the kernel does not tell.
    pub fn volume(&self) -> Result<Volume, LinuxError> {
        let failed = |errno| self.failed("look at the file system of", errno);
        let counts = fstatvfs(&self.descriptor).map_err(failed)?;
        let kind = fstatfs(&self.descriptor).map_err(failed)?.f_type;
        let bytes = |blocks: u64| blocks.saturating_mul(counts.f_frsize);
        Ok(Volume {
            device: self.device()?,
            kind: kind_of(kind.cast_unsigned()),
            read_only: counts.f_flag.contains(StatVfsMountFlags::RDONLY),
            holds_state: false,
            size_bytes: bytes(counts.f_blocks),
            free_bytes: bytes(counts.f_bfree),
            available_bytes: bytes(counts.f_bavail),
            for_worker_bytes: bytes(if geteuid().is_root() { counts.f_bfree } else { counts.f_bavail }),
        })
    }

    /// Makes a file there that never has a name: the kernel takes it away with its last descriptor, whatever ends.
    ///
    /// # Errors
    /// [`LinuxError::Missing`] where the file system has no such files.
    pub(crate) fn nameless_file(&self, more: OFlags) -> Result<File, LinuxError> {
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC | more;
        match openat(&self.descriptor, ".", flags, Mode::RUSR | Mode::WUSR) {
            Ok(file) => Ok(File::from(file)),
            Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL) => {
                let what = format!("make a file without a name in {}", self.path.display());
                Err(LinuxError::Missing { what })
            }
            Err(errno) => Err(self.failed("make a file in", errno)),
        }
    }

    fn failed(&self, what: &str, errno: Errno) -> LinuxError {
        LinuxError::call(format!("{what} {}", self.path.display()), errno)
    }
}

impl From<Directory> for OwnedFd {
    fn from(directory: Directory) -> Self {
        directory.descriptor
    }
}

/// `/proc/PID/root` and what is below it.
fn into_namespace(path: &Path) -> Option<(PathBuf, PathBuf)> {
    let mut parts = path.components();
    let (root, proc, pid) = (parts.next()?, parts.next()?, parts.next()?);
    let number = matches!(pid, Component::Normal(pid) if pid.to_str()?.parse::<u32>().is_ok());
    let leads = root == Component::RootDir && proc == Component::Normal("proc".as_ref()) && number;
    (leads && parts.next()? == Component::Normal("root".as_ref()))
        .then(|| (Path::new("/proc").join(pid).join("root"), parts.as_path().to_owned()))
}

fn kind_of(magic: u64) -> String {
    let known = KINDS.iter().find(|(number, _)| *number == magic);
    known.map_or_else(|| format!("{magic:#x}"), |(_, name)| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_leads_into_a_mount_namespace_may_be_a_link() {
        let split = |path: &str| into_namespace(Path::new(path));
        let both = |root: &str, below: &str| Some((PathBuf::from(root), PathBuf::from(below)));
        assert_eq!(split("/proc/7/root/a/b"), both("/proc/7/root", "a/b"));
        assert_eq!(split("/proc/7/root"), both("/proc/7/root", ""));
        for other in ["/proc/self/root/a", "/proc/7/cwd/a", "/a/proc/7/root", "proc/7/root/a", "/", ""] {
            assert_eq!(split(other), None, "{other}");
        }
        let opened = |path: &str| Directory::open(Path::new(path));
        assert!(opened("/proc/self/root/proc").unwrap_err().with_causes().contains("symbolic links"));
        assert!(opened("tmp").is_err() && opened("/nowhere").is_err() && opened("/proc/version").is_err());
        let own = format!("/proc/{}/root/proc", std::process::id());
        assert_eq!(opened(&own).unwrap().volume().unwrap().kind, "proc");
    }

    #[test]
    fn the_file_system_of_a_test_is_told_as_it_is() {
        let folder = steadfast_testkit::durable_dir();
        // Where it is built may be led to by a link.
        let path = folder.path().canonicalize().unwrap();
        let volume = Directory::open(&path).unwrap().volume().unwrap();
        assert!(volume.free_bytes >= volume.available_bytes, "{volume:?}");
        assert!(volume.size_bytes > volume.free_bytes && !volume.read_only, "{volume:?}");
        assert_eq!(volume.used_bytes(), volume.size_bytes - volume.free_bytes);
    }
}

//! The files and directories that the kernel knows, each held open.

use std::{
    collections::HashMap,
    ffi::OsStr,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use fuser::{FileAttr, FileType, INodeNo};
use rustix::{
    fs::{Mode, OFlags, Stat, fstat, open, openat},
    io::Errno,
};

/// One file or directory, whatever it is called by now.
#[derive(Debug)]
pub(super) struct Node {
    descriptor: OwnedFd,
}

/// All of them. Their numbers are those of the directory's own file system, save for its root, which is 1.
#[derive(Debug)]
pub(super) struct Nodes {
    root: Arc<Node>,
    device: u64,
    root_inode: u64,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    known: HashMap<u64, Known>,
    /// Numbers of what is on another device, or whose own number is taken.
    strangers: HashMap<(u64, u64), u64>,
    next: u64,
}

#[derive(Debug)]
struct Known {
    node: Arc<Node>,
    identity: (u64, u64),
    lookups: u64,
}

/// No file system gives such numbers.
const STRANGERS: u64 = 1 << 63;

/// Whether a number that is shown can be that of the file that has the other number on the directory's own file system. Of a
/// stranger that cannot be told by the number.
pub(crate) fn is_same_file(shown: u64, own: u64) -> bool {
    shown == own || shown >= STRANGERS
}

impl Node {
    /// Opens it once more.
    pub(super) fn open(&self, flags: OFlags) -> Result<OwnedFd, Errno> {
        open(self.path(), flags | OFlags::CLOEXEC, Mode::empty())
    }

    /// A name that leads to it, for calls that take no descriptor like ours.
    pub(super) fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.descriptor.as_raw_fd()))
    }
}

impl AsFd for Node {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

impl Nodes {
    pub(super) fn new(root: OwnedFd) -> Result<Self, Errno> {
        let found = fstat(&root)?;
        let table = Table { next: STRANGERS, ..Table::default() };
        Ok(Self {
            root: Arc::new(Node { descriptor: root }),
            device: found.st_dev,
            root_inode: found.st_ino,
            table: Mutex::new(table),
        })
    }

    /// One that the kernel knows.
    pub(super) fn get(&self, number: INodeNo) -> Result<Arc<Node>, Errno> {
        if number == INodeNo::ROOT {
            return Ok(self.root.clone());
        }
        // The kernel asks for nothing that it has forgotten.
        self.table().known.get(&number.0).map(|known| known.node.clone()).ok_or(Errno::STALE)
    }

    /// One that the kernel knows, by its number on the directory's own file system.
    pub(super) fn by_inode(&self, inode: u64) -> Option<Arc<Node>> {
        if inode == self.root_inode {
            return Some(self.root.clone());
        }
        self.table().known.get(&inode).map(|known| known.node.clone())
    }

    /// The kernel comes to know what has this name there.
    pub(super) fn look_up(&self, parent: &Node, name: &OsStr) -> Result<FileAttr, Errno> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        self.learn(openat(parent, name, flags, Mode::empty())?)
    }

    /// The kernel comes to know a file that is open.
    pub(super) fn learn_open(&self, file: &OwnedFd) -> Result<FileAttr, Errno> {
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        self.learn(open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?)
    }

    fn learn(&self, descriptor: OwnedFd) -> Result<FileAttr, Errno> {
        let found = fstat(&descriptor)?;
        let identity = (found.st_dev, found.st_ino);
        let mut table = self.table();
        let number = table.number_of(identity, self.device, self.root_inode);
        let node = || Known { node: Arc::new(Node { descriptor }), identity, lookups: 0 };
        table.known.entry(number).or_insert_with(node).lookups += 1;
        Ok(attributes(number, &found))
    }

    /// The kernel forgets it, so many times.
    pub(super) fn forget(&self, number: INodeNo, times: u64) {
        let mut table = self.table();
        let Some(known) = table.known.get_mut(&number.0) else { return };
        known.lookups = known.lookups.saturating_sub(times);
        if known.lookups == 0
            && let Some(known) = table.known.remove(&number.0)
        {
            table.strangers.remove(&known.identity);
        }
    }

    /// What is known of it now.
    pub(super) fn attributes(&self, number: INodeNo) -> Result<FileAttr, Errno> {
        let node = self.get(number)?;
        let found = fstat(&*node)?;
        let shown = if number == INodeNo::ROOT { found.st_ino } else { number.0 };
        Ok(attributes(shown, &found))
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// As long as one is held open its number is not given to another.
    fn number_of(&mut self, identity: (u64, u64), device: u64, root: u64) -> u64 {
        let (on, inode) = identity;
        if on == device && inode != INodeNo::ROOT.0 && inode != root && inode < STRANGERS {
            return inode;
        }
        *self.strangers.entry(identity).or_insert_with(|| {
            self.next += 1;
            self.next
        })
    }
}

fn attributes(number: u64, found: &Stat) -> FileAttr {
    let mode = found.st_mode;
    FileAttr {
        ino: INodeNo(number),
        size: found.st_size.cast_unsigned(),
        blocks: found.st_blocks.cast_unsigned(),
        atime: time(found.st_atime, found.st_atime_nsec),
        mtime: time(found.st_mtime, found.st_mtime_nsec),
        ctime: time(found.st_ctime, found.st_ctime_nsec),
        crtime: SystemTime::UNIX_EPOCH,
        kind: kind(rustix::fs::FileType::from_raw_mode(mode)),
        perm: u16::try_from(mode & 0o7777).expect("twelve bits"),
        nlink: u32::try_from(found.st_nlink).unwrap_or(u32::MAX),
        uid: found.st_uid,
        gid: found.st_gid,
        // The lower half of both encodings is the same.
        rdev: u32::try_from(found.st_rdev & u64::from(u32::MAX)).expect("it was cut"),
        blksize: u32::try_from(found.st_blksize).unwrap_or(4096),
        flags: 0,
    }
}

/// As the kernel calls it. What is none of these is shown as a file.
pub(super) fn kind(found: rustix::fs::FileType) -> FileType {
    use rustix::fs::FileType as Native;
    match found {
        Native::Directory => FileType::Directory,
        Native::Symlink => FileType::Symlink,
        Native::Fifo => FileType::NamedPipe,
        Native::Socket => FileType::Socket,
        Native::CharacterDevice => FileType::CharDevice,
        Native::BlockDevice => FileType::BlockDevice,
        Native::RegularFile | Native::Unknown => FileType::RegularFile,
    }
}

/// Seconds and nanoseconds; the latter count forwards also before 1970.
fn time(seconds: i64, nanos: impl TryInto<u32>) -> SystemTime {
    let nanos = Duration::from_nanos(nanos.try_into().unwrap_or_default().into());
    let whole = Duration::from_secs(seconds.unsigned_abs());
    let base = match seconds {
        0.. => SystemTime::UNIX_EPOCH.checked_add(whole),
        _ => SystemTime::UNIX_EPOCH.checked_sub(whole),
    };
    base.and_then(|base| base.checked_add(nanos)).unwrap_or(SystemTime::UNIX_EPOCH)
}

//! Disturbing what processes do with the files below a directory: what a worker is told, and what can be seen of it.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{BootTime, Duration, InjectionId, Percent, process::ProcessIdentity};

/// What a program does with a file, named after the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum FileOperation {
    /// Opens a file or directory that is there.
    Open,
    /// Reads from a file.
    Read,
    /// Writes to a file.
    Write,
    /// Sees to it that what was written is on the disk: fsync and fdatasync, of directories too.
    Fsync,
    /// Asks for size, owner, mode and times. The kernel does so before most other operations that name a path.
    Stat,
    /// Lists a directory.
    Readdir,
    /// Makes a file, opened at once or not.
    Create,
    /// Makes a directory.
    Mkdir,
    /// Makes a hard or symbolic link.
    Link,
    /// Renames.
    Rename,
    /// Removes a file.
    Unlink,
    /// Removes a directory.
    Rmdir,
    /// Changes the size of a file: truncate and fallocate.
    Truncate,
    /// Changes owner, mode, times or extended attributes.
    Chmod,
}

/// What an operation fails with. Names and meaning as in errno(3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "their names are known by errno(3)")]
pub enum FileErrno {
    Eio,
    Enospc,
    Edquot,
    Erofs,
    Eacces,
    Eperm,
    Enoent,
    Enfile,
    Emfile,
    Enomem,
    Eagain,
    Eintr,
    Ebusy,
    Efbig,
    Estale,
    Etimedout,
}

impl FileErrno {
    /// Its number on Linux, x86-64 and aarch64.
    #[must_use]
    pub fn number(self) -> i32 {
        match self {
            Self::Eperm => 1,
            Self::Enoent => 2,
            Self::Eintr => 4,
            Self::Eio => 5,
            Self::Eagain => 11,
            Self::Enomem => 12,
            Self::Eacces => 13,
            Self::Ebusy => 16,
            Self::Enfile => 23,
            Self::Emfile => 24,
            Self::Efbig => 27,
            Self::Enospc => 28,
            Self::Erofs => 30,
            Self::Etimedout => 110,
            Self::Estale => 116,
            Self::Edquot => 122,
        }
    }
}

/// What happens to an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum FileFault {
    /// It is done this much later.
    Delay {
        /// How much.
        latency: Duration,
    },
    /// It is not done, and fails.
    Error {
        /// With what.
        errno: FileErrno,
    },
}

/// Which operations are disturbed, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FileRule {
    /// These, and no others.
    pub operations: Vec<FileOperation>,
    /// What happens to them.
    pub fault: FileFault,
    /// To which share of them.
    pub percent: Percent,
    /// Makes chance repeatable.
    pub seed: u64,
}

/// A mount namespace of one boot of one machine. The kernel may give the number of one that is gone to another.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MountNamespace {
    /// The number in `/proc/PID/ns/mnt`.
    pub inode: u64,
    /// The boot it belongs to.
    pub boot_id: String,
}

/// A directory that is covered by a file system of ours, in one mount namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Cover {
    /// A process that sees it.
    pub process: ProcessIdentity,
    /// Where it is.
    pub namespace: MountNamespace,
    /// The directory, as it is called there.
    pub path: PathBuf,
    /// The name that the file system bears in the mount table, and no other does.
    pub source: String,
}

impl Cover {
    /// What the names of all covers of an injection begin with.
    #[must_use]
    pub fn sources_of(injection: InjectionId) -> String {
        format!("steadfast_{}_", injection.0.simple())
    }
}

/// The one order of a worker that covers a directory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CoverOrder {
    /// What and where.
    pub cover: Cover,
    /// What to do there.
    pub rule: FileRule,
    /// The worker takes the cover away at this instant, whatever happens.
    pub deadline: BootTime,
    /// The worker takes the cover away at this instant unless it is renewed before.
    pub lease: BootTime,
}

/// Something that is open, mapped, locked or bound, and by whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HeldFile {
    /// Who holds it; 0 where the kernel does not tell.
    pub pid: u32,
    /// What.
    pub path: PathBuf,
}

/// A directory as everybody in its mount namespace sees it, before it is covered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ground {
    /// Where it is.
    pub namespace: MountNamespace,
    /// Whether the first process of this machine, or Steadfast itself, is there too.
    pub is_the_machines: bool,
    /// Whether the process sees another root than its mount namespace has.
    pub has_another_root: bool,
    /// Other mount namespaces in which a mount there would show, by one process each.
    pub shows_in: Vec<u32>,
    /// What is mounted below it.
    pub mounts_below: Vec<PathBuf>,
    /// Who covers it already, by the name in the mount table.
    pub covered_by: Option<String>,
    /// Files that are mapped so that writes to memory are writes to the file.
    pub mapped: Vec<HeldFile>,
    /// Files on which somebody holds a lock.
    pub locked: Vec<HeldFile>,
    /// Open pipes, devices and sockets with a name below it.
    pub special: Vec<HeldFile>,
    /// Open files that were removed.
    pub removed: Vec<HeldFile>,
    /// Who cannot be held still, and why: a debugger has it, or its program is of another architecture.
    pub unholdable: Vec<(u32, String)>,
    /// Who has a filter of system calls (seccomp).
    pub filtered: Vec<u32>,
    /// How many processes are there.
    pub processes: usize,
    /// How many files and directories they have open below it.
    pub open: usize,
}

/// What is in place, and what its worker counted. Counts only grow while it lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CoverStatus {
    /// The process through whose eyes was looked.
    pub process: ProcessIdentity,
    /// The cover's name in the mount table; none where the injection has none in place.
    pub source: Option<String>,
    /// Operations that the rule is for.
    pub seen: u64,
    /// Operations that were disturbed.
    pub hits: u64,
}

//! A file system that passes everything on to a directory, and holds or fails what it is told to.
//!
//! What is asked of it is done on the directory's own files, by threads of this process, as the user who asks. Nothing is
//! kept: names and attributes are looked up each time, and reads and writes go past the page cache of the one who asks, so
//! that everybody sees what everybody else does, through this file system or past it. Whether somebody may is decided by
//! the kernel before it asks (`default_permissions`); locks are the kernel's too.

use std::{
    os::fd::OwnedFd,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use fuser::{Config, Session, SessionACL};
use rustix::{
    fs::{Mode, OFlags, open},
    io::Errno,
};
use steadfast_model::files::FileRule;

use crate::LinuxError;

mod access_lists;
mod answer;
mod caller;
mod gate;
mod nodes;
mod passing;
mod serve;

use gate::Gate;
use nodes::Nodes;
pub(crate) use nodes::is_same_file;
use passing::Handles;

/// How many threads answer. Those that wait for a delay are others.
const THREADS: usize = 4;
/// The attribute of the directory itself that tells what was counted, to whoever may read what is trusted.
pub(crate) const COUNTS: &str = "trusted.steadfast";

/// A directory that is served. It is until nobody has anything of it open any more, and it is mounted nowhere.
#[derive(Debug)]
pub(crate) struct FileServer {
    shared: Arc<Shared>,
    ended: Arc<AtomicBool>,
}

/// What all threads share.
#[derive(Debug)]
struct Shared {
    nodes: Nodes,
    handles: Handles,
    gate: Gate,
    source: String,
}

/// Where the kernel asks its questions.
pub(crate) fn device() -> Result<OwnedFd, LinuxError> {
    open("/dev/fuse", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()).map_err(|errno| match errno {
        Errno::NOENT | Errno::NXIO | Errno::NODEV => {
            LinuxError::Missing { what: "open /dev/fuse (the module `fuse`)".to_owned() }
        }
        other => LinuxError::call("open /dev/fuse", other),
    })
}

impl FileServer {
    /// Begins to answer on `device`, from which a file system has been made, with what is below `root`. Nothing is
    /// disturbed yet.
    ///
    /// # Errors
    /// When the kernel does not speak with it.
    pub(crate) fn begin(
        device: OwnedFd,
        root: OwnedFd,
        source: &str,
        rule: FileRule,
    ) -> Result<Self, LinuxError> {
        let failed = |source| LinuxError::Call { what: "serve files".to_owned(), source };
        // The one who asks has taken the mask off already.
        rustix::process::umask(Mode::empty());
        let shared = Arc::new(Shared {
            nodes: Nodes::new(root).map_err(|errno| failed(errno.into()))?,
            handles: Handles::default(),
            gate: Gate::new(rule),
            source: source.to_owned(),
        });
        let mut config = Config::default();
        (config.n_threads, config.clone_fd) = (Some(THREADS), true);
        let serve = answer::Serve(shared.clone());
        let session = Session::from_fd(serve, device, SessionACL::All, config).map_err(failed)?;
        let ended = Arc::new(AtomicBool::new(false));
        let over = ended.clone();
        std::thread::spawn(move || {
            // It ends when nothing of it is left, or the kernel ends it: either way nobody is answered any more.
            drop(session.run());
            over.store(true, Ordering::SeqCst);
        });
        Ok(Self { shared, ended })
    }

    /// From now on the rule holds.
    pub(crate) fn arm(&self) {
        self.shared.gate.arm();
    }

    /// From now on nothing is disturbed; what is held is done at once.
    pub(crate) fn disarm(&self) {
        self.shared.gate.disarm();
    }

    /// Opens a file or directory of the directory itself, by its inode: also one that has no name any more.
    pub(crate) fn open_inode(&self, inode: u64, flags: OFlags) -> Option<Result<OwnedFd, Errno>> {
        let node = self.shared.nodes.by_inode(inode)?;
        Some(node.open(flags))
    }

    /// Whether nobody has anything of it open any more. Waits at most so long; blocks this thread.
    pub(crate) fn ends_within(&self, patience: Duration) -> bool {
        const STEP: Duration = Duration::from_millis(2);
        let mut waited = Duration::ZERO;
        while !self.has_ended() && waited < patience {
            crate::load::sleep(STEP);
            waited += STEP;
        }
        self.has_ended()
    }

    /// Whether nobody is answered any more: nothing of it is open, or the kernel has ended it.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::SeqCst)
    }
}

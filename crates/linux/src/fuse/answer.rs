//! Answering: at once, later, or with an error, as the rule says.

use std::{ffi::OsStr, sync::Arc, time::Duration};

use fuser::{
    Errno, FileAttr, FileHandle, Generation, INodeNo, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory,
    ReplyEmpty, ReplyEntry, ReplyOpen, ReplyWrite, ReplyXattr,
};
use rustix::{
    fs::{Mode, OFlags, fdatasync, fsync, openat},
    io::Errno as Native,
};
use steadfast_model::files::FileOperation as Op;

use super::{
    Shared,
    caller::as_caller,
    gate::Ruling,
    passing::{Change, drop_privileges_of, flags_below, write},
};

/// Nothing is kept by the kernel: others may change what is below at any time.
pub(super) const AT_ONCE: Duration = Duration::ZERO;
pub(super) const FIRST: Generation = Generation(0);

/// What answers.
pub(super) struct Serve(pub(super) Arc<Shared>);

/// A reply that can say no.
pub(super) trait Refuse: Send + 'static {
    fn refuse(self, errno: Errno);
}

macro_rules! refusing {
    ($($reply:ident),*) => {
        $(impl Refuse for $reply {
            fn refuse(self, errno: Errno) {
                self.error(errno);
            }
        })*
    };
}
refusing!(
    ReplyAttr,
    ReplyCreate,
    ReplyData,
    ReplyDirectory,
    ReplyEmpty,
    ReplyEntry,
    ReplyOpen,
    ReplyWrite,
    ReplyXattr
);

pub(super) fn code(errno: Native) -> Errno {
    Errno::from_i32(errno.raw_os_error())
}

impl Serve {
    /// Does `work` as the rule says: at once, later, or not at all.
    pub(super) fn ruled<R: Refuse>(
        &self,
        operation: Op,
        reply: R,
        work: impl FnOnce(&Shared, R) + Send + 'static,
    ) {
        match self.0.gate.ruling(operation) {
            Ruling::Pass => work(&self.0, reply),
            Ruling::Fail(errno) => reply.refuse(errno),
            Ruling::Hold(latency) => {
                let shared = self.0.clone();
                // One thread each: there are never more than threads that wait for an answer. Without one the reply is
                // dropped, which fails the operation.
                let held = std::thread::Builder::new().stack_size(128 << 10).spawn(move || {
                    shared.gate.hold(latency);
                    work(&shared, reply);
                });
                drop(held);
            }
        }
    }

    /// The same for what answers with nothing.
    pub(super) fn done(
        &self,
        operation: Op,
        reply: ReplyEmpty,
        work: impl FnOnce(&Shared) -> Result<(), Native> + Send + 'static,
    ) {
        self.ruled(operation, reply, |shared, reply| match work(shared) {
            Ok(()) => reply.ok(),
            Err(errno) => reply.error(code(errno)),
        });
    }

    /// The same for what makes something that has a name.
    pub(super) fn made(
        &self,
        operation: Op,
        reply: ReplyEntry,
        work: impl FnOnce(&Shared) -> Result<FileAttr, Native> + Send + 'static,
    ) {
        self.ruled(operation, reply, |shared, reply| enter(work(shared), reply));
    }

    pub(super) fn fsync_handle(&self, handle: FileHandle, data_only: bool, reply: ReplyEmpty) {
        self.done(Op::Fsync, reply, move |shared| {
            let handle = shared.handles.get(handle.0)?;
            if data_only { fdatasync(&handle.file) } else { fsync(&handle.file) }
        });
    }
}

pub(super) fn enter(found: Result<FileAttr, Native>, reply: ReplyEntry) {
    match found {
        Ok(found) => reply.entry(&AT_ONCE, &found, FIRST),
        Err(errno) => reply.error(code(errno)),
    }
}

/// The value, or how long it is for who asks that first.
pub(super) fn attribute_reply(found: Result<Vec<u8>, Native>, size: u32, reply: ReplyXattr) {
    match found {
        Ok(value) if size == 0 => reply.size(u32::try_from(value.len()).unwrap_or(u32::MAX)),
        Ok(value) if value.len() > usize::try_from(size).unwrap_or(0) => reply.error(Errno::ERANGE),
        Ok(value) => reply.data(&value),
        Err(errno) => reply.error(code(errno)),
    }
}

impl Shared {
    /// Changes attributes, and says what they are then.
    pub(super) fn change(
        &self,
        number: INodeNo,
        handle: Option<FileHandle>,
        change: &Change,
    ) -> Result<FileAttr, Native> {
        let handle = handle.and_then(|handle| self.handles.get(handle.0).ok());
        change.make(&*self.nodes.get(number)?, handle.as_deref())?;
        self.nodes.attributes(number)
    }

    /// Makes a file. `ESTALE` when somebody else has made it just now and the one who asks would take that as well: the kernel
    /// then looks it up, and whether it may be opened, before it asks to open it.
    pub(super) fn create(
        &self,
        (user, group): (u32, u32),
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        flags: i32,
    ) -> Result<(FileAttr, u64), Native> {
        let parent = self.nodes.get(parent)?;
        let how = flags_below(flags) | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
        let mode = Mode::from_raw_mode(mode & 0o7777);
        let takes_others = flags & libc::O_EXCL == 0;
        let file =
            as_caller(user, group, || openat(&*parent, name, how, mode)).map_err(|errno| match errno {
                Native::EXIST if takes_others => Native::STALE,
                other => other,
            })?;
        let found = self.nodes.learn_open(&file)?;
        Ok((found, self.handles.add(file)))
    }

    /// Writes, at the end where `appends`; whoever may not keep the privileges of the file takes them away.
    pub(super) fn write(
        &self,
        handle: FileHandle,
        offset: u64,
        data: &[u8],
        (appends, drops): (bool, bool),
    ) -> Result<u32, Native> {
        let handle = self.handles.get(handle.0)?;
        if drops {
            drop_privileges_of(&handle.file)?;
        }
        write(&handle.file, offset, data, appends)
    }
}

#[cfg(test)]
mod tests {
    use steadfast_model::{
        Percent,
        files::{FileErrno, FileFault, FileRule},
    };

    use super::*;
    use crate::fuse::{gate::Gate, nodes::Nodes, passing::Handles};

    #[test]
    fn what_others_made_just_now_is_never_opened_without_asking_whether_it_may_be() {
        let folder = tempfile::tempdir().unwrap();
        let fault = FileFault::Error { errno: FileErrno::Eio };
        let rule = FileRule { operations: Vec::new(), fault, percent: Percent::ALL, seed: 0 };
        let shared = Shared {
            nodes: Nodes::new(std::fs::File::open(folder.path()).unwrap().into()).unwrap(),
            handles: Handles::default(),
            gate: Gate::new(rule),
            source: String::new(),
        };
        let create = |name: &str, flags| {
            shared.create((0, 0), INodeNo::ROOT, name.as_ref(), 0o600, flags | libc::O_RDWR).map(drop)
        };
        assert_eq!(create("new", 0), Ok(()));
        std::fs::write(folder.path().join("others"), "theirs").unwrap();
        assert_eq!(create("others", libc::O_TRUNC), Err(Native::STALE));
        assert_eq!(create("others", libc::O_EXCL), Err(Native::EXIST));
        assert_eq!(std::fs::read(folder.path().join("others")).unwrap(), b"theirs");
    }
}

//! The questions of the kernel, one by one.

use std::{ffi::OsStr, io, path::Path, time::SystemTime};

use fuser::{
    BsdFileFlags, FileHandle, Filesystem, FopenFlags, INodeNo, KernelConfig, LockOwner, OpenFlags,
    RenameFlags, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory, ReplyEmpty, ReplyEntry, ReplyLseek,
    ReplyOpen, ReplyStatfs, ReplyWrite, ReplyXattr, Request, TimeOrNow, WriteFlags,
};
use rustix::fs::{
    AtFlags, Dev, FallocateFlags, FileType, Mode, OFlags, SeekFrom, XattrFlags, fallocate, fstatvfs, linkat,
    mkdirat, mknodat, removexattr, renameat_with, seek, setxattr, symlinkat, unlinkat,
};
use rustix::io::Errno as Native;
use steadfast_model::files::FileOperation as Op;

use super::{
    COUNTS, access_lists,
    answer::{AT_ONCE, FIRST, Serve, attribute_reply, code, enter},
    caller::as_caller,
    nodes::kind,
    passing::{Change, attribute, attribute_names, flags_below, list, read, target_of},
};

impl Filesystem for Serve {
    fn init(&mut self, _: &Request, config: &mut KernelConfig) -> io::Result<()> {
        access_lists::honour(config)
    }

    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let nodes = &self.0.nodes;
        enter(nodes.get(parent).and_then(|parent| nodes.look_up(&parent, name)), reply);
    }

    fn forget(&self, _: &Request, number: INodeNo, times: u64) {
        self.0.nodes.forget(number, times);
    }

    fn getattr(&self, _: &Request, number: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        self.ruled(Op::Stat, reply, move |shared, reply| match shared.nodes.attributes(number) {
            Ok(found) => reply.attr(&AT_ONCE, &found),
            Err(errno) => reply.error(code(errno)),
        });
    }

    fn setattr(
        &self,
        _: &Request,
        number: INodeNo,
        mode: Option<u32>,
        user: Option<u32>,
        group: Option<u32>,
        size: Option<u64>,
        accessed: Option<TimeOrNow>,
        modified: Option<TimeOrNow>,
        _: Option<SystemTime>,
        handle: Option<FileHandle>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let change = Change { mode, user, group, size, accessed, modified };
        let operation = if change.is_truncation() { Op::Truncate } else { Op::Chmod };
        self.ruled(operation, reply, move |shared, reply| match shared.change(number, handle, &change) {
            Ok(found) => reply.attr(&AT_ONCE, &found),
            Err(errno) => reply.error(code(errno)),
        });
    }

    fn readlink(&self, _: &Request, number: INodeNo, reply: ReplyData) {
        match self.0.nodes.get(number).and_then(|node| target_of(&node)) {
            Ok(target) => reply.data(&target),
            Err(errno) => reply.error(code(errno)),
        }
    }

    fn mknod(
        &self,
        asks: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        _: u32,
        device: u32,
        reply: ReplyEntry,
    ) {
        let (user, group, name) = (asks.uid(), asks.gid(), name.to_owned());
        self.made(Op::Create, reply, move |shared| {
            let parent = shared.nodes.get(parent)?;
            let (kind, bits) = (FileType::from_raw_mode(mode), Mode::from_raw_mode(mode & 0o7777));
            as_caller(user, group, || mknodat(&*parent, &name, kind, bits, Dev::from(device)))?;
            shared.nodes.look_up(&parent, &name)
        });
    }

    fn mkdir(&self, asks: &Request, parent: INodeNo, name: &OsStr, mode: u32, _: u32, reply: ReplyEntry) {
        let (user, group, name) = (asks.uid(), asks.gid(), name.to_owned());
        self.made(Op::Mkdir, reply, move |shared| {
            let parent = shared.nodes.get(parent)?;
            as_caller(user, group, || mkdirat(&*parent, &name, Mode::from_raw_mode(mode & 0o7777)))?;
            shared.nodes.look_up(&parent, &name)
        });
    }

    fn symlink(&self, asks: &Request, parent: INodeNo, name: &OsStr, target: &Path, reply: ReplyEntry) {
        let (user, group) = (asks.uid(), asks.gid());
        let (name, target) = (name.to_owned(), target.to_owned());
        self.made(Op::Link, reply, move |shared| {
            let parent = shared.nodes.get(parent)?;
            as_caller(user, group, || symlinkat(&target, &*parent, &name))?;
            shared.nodes.look_up(&parent, &name)
        });
    }

    fn link(&self, _: &Request, number: INodeNo, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let name = name.to_owned();
        self.made(Op::Link, reply, move |shared| {
            let (node, parent) = (shared.nodes.get(number)?, shared.nodes.get(parent)?);
            linkat(&*node, "", &*parent, &name, AtFlags::EMPTY_PATH)?;
            shared.nodes.look_up(&parent, &name)
        });
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let name = name.to_owned();
        self.done(Op::Unlink, reply, move |shared| {
            unlinkat(&*shared.nodes.get(parent)?, &name, AtFlags::empty())
        });
    }

    fn rmdir(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let name = name.to_owned();
        self.done(Op::Rmdir, reply, move |shared| {
            unlinkat(&*shared.nodes.get(parent)?, &name, AtFlags::REMOVEDIR)
        });
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        to: INodeNo,
        new_name: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let (name, new_name) = (name.to_owned(), new_name.to_owned());
        self.done(Op::Rename, reply, move |shared| {
            let (parent, to) = (shared.nodes.get(parent)?, shared.nodes.get(to)?);
            let flags = rustix::fs::RenameFlags::from_bits_retain(flags.bits());
            renameat_with(&*parent, &name, &*to, &new_name, flags)
        });
    }

    fn open(&self, _: &Request, number: INodeNo, flags: OpenFlags, reply: ReplyOpen) {
        self.ruled(Op::Open, reply, move |shared, reply| {
            match shared.nodes.get(number).and_then(|node| node.open(flags_below(flags.0))) {
                Ok(file) => reply.opened(FileHandle(shared.handles.add(file)), FopenFlags::FOPEN_DIRECT_IO),
                Err(errno) => reply.error(code(errno)),
            }
        });
    }

    fn create(
        &self,
        asks: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        _: u32,
        flags: i32,
        reply: ReplyCreate,
    ) {
        let (user, group, name) = (asks.uid(), asks.gid(), name.to_owned());
        self.ruled(Op::Create, reply, move |shared, reply| {
            match shared.create((user, group), parent, &name, mode, flags) {
                Ok((found, handle)) => {
                    let handle = FileHandle(handle);
                    reply.created(&AT_ONCE, &found, FIRST, handle, FopenFlags::FOPEN_DIRECT_IO);
                }
                Err(errno) => reply.error(code(errno)),
            }
        });
    }

    fn read(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        self.ruled(Op::Read, reply, move |shared, reply| {
            match shared.handles.get(handle.0).and_then(|handle| read(&handle.file, offset, size)) {
                Ok(bytes) => reply.data(&bytes),
                Err(errno) => reply.error(code(errno)),
            }
        });
    }

    fn write(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        offset: u64,
        data: &[u8],
        write_flags: WriteFlags,
        flags: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let data = data.to_vec();
        // What comes from a mapping has its place, also in a file that is appended to.
        let cached = write_flags.contains(WriteFlags::FUSE_WRITE_CACHE);
        let appends = !cached && OFlags::from_bits_retain(flags.0.cast_unsigned()).contains(OFlags::APPEND);
        let kills = write_flags.contains(WriteFlags::FUSE_WRITE_KILL_SUIDGID);
        self.ruled(Op::Write, reply, move |shared, reply| {
            match shared.write(handle, offset, &data, (appends, kills)) {
                Ok(length) => reply.written(length),
                Err(errno) => reply.error(code(errno)),
            }
        });
    }

    fn release(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        _: OpenFlags,
        _: Option<LockOwner>,
        _: bool,
        reply: ReplyEmpty,
    ) {
        self.0.handles.remove(handle.0);
        reply.ok();
    }

    fn fsync(&self, _: &Request, _: INodeNo, handle: FileHandle, data_only: bool, reply: ReplyEmpty) {
        self.fsync_handle(handle, data_only, reply);
    }

    fn opendir(&self, _: &Request, number: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        self.ruled(Op::Open, reply, move |shared, reply| {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY;
            match shared.nodes.get(number).and_then(|node| node.open(flags)) {
                Ok(file) => reply.opened(FileHandle(shared.handles.add(file)), FopenFlags::empty()),
                Err(errno) => reply.error(code(errno)),
            }
        });
    }

    fn readdir(&self, _: &Request, _: INodeNo, handle: FileHandle, offset: u64, reply: ReplyDirectory) {
        self.ruled(Op::Readdir, reply, move |shared, mut reply| {
            let listed = shared.handles.get(handle.0).and_then(|handle| {
                list(&handle, offset, |found| {
                    reply.add(INodeNo(found.inode), found.next, kind(found.kind), found.name)
                })
            });
            match listed {
                Ok(()) => reply.ok(),
                Err(errno) => reply.error(code(errno)),
            }
        });
    }

    fn releasedir(&self, _: &Request, _: INodeNo, handle: FileHandle, _: OpenFlags, reply: ReplyEmpty) {
        self.0.handles.remove(handle.0);
        reply.ok();
    }

    fn fsyncdir(&self, _: &Request, _: INodeNo, handle: FileHandle, data_only: bool, reply: ReplyEmpty) {
        self.fsync_handle(handle, data_only, reply);
    }

    fn statfs(&self, _: &Request, number: INodeNo, reply: ReplyStatfs) {
        match self.0.nodes.get(number).and_then(|node| fstatvfs(&*node)) {
            Ok(found) => {
                let small = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
                reply.statfs(
                    found.f_blocks,
                    found.f_bfree,
                    found.f_bavail,
                    found.f_files,
                    found.f_ffree,
                    small(found.f_bsize),
                    small(found.f_namemax),
                    small(found.f_frsize),
                );
            }
            Err(errno) => reply.error(code(errno)),
        }
    }

    fn setxattr(
        &self,
        _: &Request,
        number: INodeNo,
        name: &OsStr,
        value: &[u8],
        flags: i32,
        _: u32,
        reply: ReplyEmpty,
    ) {
        let (name, value) = (name.to_owned(), value.to_vec());
        self.done(Op::Chmod, reply, move |shared| {
            let flags = XattrFlags::from_bits_retain(flags.cast_unsigned());
            access_lists::may_change(&name)?;
            setxattr(shared.nodes.get(number)?.path(), &name, &value, flags)
        });
    }

    fn getxattr(&self, _: &Request, number: INodeNo, name: &OsStr, size: u32, reply: ReplyXattr) {
        if number == INodeNo::ROOT && name == COUNTS {
            let (seen, hits) = self.0.gate.counts();
            let told = format!("{} {seen} {hits}", self.0.source);
            return attribute_reply(Ok(told.into_bytes()), size, reply);
        }
        let name = name.to_owned();
        if access_lists::is_one(&name) {
            let found = self.0.nodes.get(number).and_then(|node| access_lists::of(&node, &name, size));
            return attribute_reply(found, size, reply);
        }
        self.ruled(Op::Stat, reply, move |shared, reply| {
            let found = shared.nodes.get(number).and_then(|node| attribute(&node, &name, size));
            attribute_reply(found, size, reply);
        });
    }

    fn listxattr(&self, _: &Request, number: INodeNo, size: u32, reply: ReplyXattr) {
        self.ruled(Op::Stat, reply, move |shared, reply| {
            let found = shared.nodes.get(number).and_then(|node| attribute_names(&node, size));
            attribute_reply(found, size, reply);
        });
    }

    fn removexattr(&self, _: &Request, number: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let name = name.to_owned();
        self.done(Op::Chmod, reply, move |shared| {
            access_lists::may_change(&name)?;
            removexattr(shared.nodes.get(number)?.path(), &name)
        });
    }

    fn fallocate(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        offset: u64,
        length: u64,
        mode: i32,
        reply: ReplyEmpty,
    ) {
        self.done(Op::Truncate, reply, move |shared| {
            let mode = FallocateFlags::from_bits_retain(mode.cast_unsigned());
            fallocate(&shared.handles.get(handle.0)?.file, mode, offset, length)
        });
    }

    fn lseek(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        offset: i64,
        whence: i32,
        reply: ReplyLseek,
    ) {
        // Everything else the kernel does itself.
        let to = u64::try_from(offset).ok().and_then(|offset| match whence {
            libc::SEEK_DATA => Some(SeekFrom::Data(offset)),
            libc::SEEK_HOLE => Some(SeekFrom::Hole(offset)),
            _ => None,
        });
        let found = to.ok_or(Native::INVAL).and_then(|to| seek(&self.0.handles.get(handle.0)?.file, to));
        match found.map(|found| i64::try_from(found).unwrap_or(i64::MAX)) {
            Ok(found) => reply.offset(found),
            Err(errno) => reply.error(code(errno)),
        }
    }
}

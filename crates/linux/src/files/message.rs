//! Handing open files to a process that is held: over a socket that it makes for us, as it may have no right to open them
//! by name, nor a name for them.

use std::{
    io::IoSlice,
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use rustix::{
    io::Errno,
    net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg},
    process::{PidfdGetfdFlags, pidfd_getfd},
};
use steadfast_model::ProcessIdentity;

use crate::{LinuxError, ProcessHandle, trace::Held};

/// So many are handed over at once: the process needs room for as many more.
pub(super) const MOST: usize = 8;
/// How much memory of the process is used for this.
const PAGE: u64 = 4096;
/// Where what is in that page.
const VECTOR: u64 = 64;
const BYTE: u64 = 96;
const CONTROL: u64 = 128;
/// The kernel's `struct cmsghdr`, before the numbers.
const HEADER: usize = 16;

/// A way into a process, for as long as it is held.
pub(super) struct Channel {
    ours: OwnedFd,
    /// The number of its end there.
    theirs: u64,
    page: u64,
}

impl Channel {
    /// Makes one.
    ///
    /// # Errors
    /// When the process may not, as under some seccomp filters, or has no descriptor left.
    pub(super) fn open(held: &mut Held, process: &ProcessIdentity) -> Result<Self, LinuxError> {
        let gone = || LinuxError::Gone { what: format!("find process {process}") };
        let handle = ProcessHandle::open(process)?.ok_or_else(gone)?;
        let (prot, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        let words = [0, PAGE, word(prot), word(flags), u64::MAX, 0].map(Into::into);
        let page = held.call("map a page", libc::SYS_mmap, &words)?;
        let kind = libc::SOCK_DGRAM | libc::SOCK_CLOEXEC;
        let words = [word(libc::AF_UNIX), word(kind), 0, page].map(Into::into);
        held.call("make a socket", libc::SYS_socketpair, &words)?;
        let mut pair = [0; 8];
        held.memory().read(page, &mut pair)?;
        let [theirs, ours] = [0, 4].map(|at| number_at(&pair, at));
        let failed = |errno| LinuxError::call(format!("take a socket of process {process}"), errno);
        let there = i32::try_from(ours).expect("a descriptor is small");
        let taken = pidfd_getfd(handle.as_fd(), there, PidfdGetfdFlags::empty());
        held.call("close a socket", libc::SYS_close, &[ours.into()])?;
        Ok(Self { ours: taken.map_err(failed)?, theirs, page })
    }

    /// Hands over no more than [`MOST`], and says which numbers they got there.
    ///
    /// # Errors
    /// When the process has no descriptor left for them; then it got none.
    pub(super) fn hand(&self, held: &mut Held, files: &[BorrowedFd<'_>]) -> Result<Vec<u64>, LinuxError> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
        let mut rights = SendAncillaryBuffer::new(&mut space);
        rights.push(SendAncillaryMessage::ScmRights(files));
        let failed = |errno| LinuxError::call("hand over open files", errno);
        sendmsg(&self.ours, &[IoSlice::new(&[0])], &mut rights, SendFlags::empty()).map_err(failed)?;
        let room = HEADER + 4 * MOST;
        let mut block = vec![0; usize::try_from(CONTROL).expect("it is small") + room];
        let mut put = |at: u64, word: u64| {
            let at = usize::try_from(at).expect("it is small");
            block[at..at + 8].copy_from_slice(&word.to_ne_bytes());
        };
        // `struct msghdr`: no name, one vector, room for the numbers.
        put(16, self.page + VECTOR);
        put(24, 1);
        put(32, self.page + CONTROL);
        put(40, room as u64);
        put(VECTOR, self.page + BYTE);
        put(VECTOR + 8, 1);
        held.memory().write(self.page, &block)?;
        let flags = word(libc::MSG_CMSG_CLOEXEC | libc::MSG_DONTWAIT);
        held.call("take open files", libc::SYS_recvmsg, &[self.theirs, self.page, flags].map(Into::into))?;
        let mut control = vec![0; room];
        held.memory().read(self.page + CONTROL, &mut control)?;
        let length = u64::from_ne_bytes(control[..8].try_into().expect("eight bytes"));
        let count = usize::try_from(length).unwrap_or(0).saturating_sub(HEADER) / 4;
        let numbers: Vec<u64> =
            (0..count.min(MOST)).map(|index| number_at(&control, HEADER + 4 * index)).collect();
        if numbers.len() < files.len() {
            for number in numbers {
                held.call("close a file", libc::SYS_close, &[number.into()])?;
            }
            return Err(failed(Errno::MFILE));
        }
        Ok(numbers)
    }

    /// Leaves nothing of it behind.
    pub(super) fn close(self, held: &mut Held) -> Result<(), LinuxError> {
        held.call("close a socket", libc::SYS_close, &[self.theirs.into()])?;
        held.call("give a page back", libc::SYS_munmap, &[self.page, PAGE].map(Into::into)).map(drop)
    }
}

fn number_at(bytes: &[u8], at: usize) -> u64 {
    let number = u32::from_ne_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    number.into()
}

/// As an argument of a call; -1 with all bits set, as the kernel has it.
pub(super) fn word(number: i32) -> u64 {
    i64::from(number).cast_unsigned()
}

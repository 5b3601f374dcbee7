//! The calls themselves, as in ptrace(2). All must come from the thread that seized.

use std::{ffi::c_void, ptr, time::Duration};

use rustix::io::Errno;

use super::{now, registers::Registers};

/// The number of a thread.
pub(super) type Tid = libc::pid_t;

/// So long it is asked again at once; then with pauses.
const EAGER: Duration = Duration::from_micros(200);
const PAUSE: Duration = Duration::from_micros(50);
/// `NT_PRSTATUS` of elf.h: the registers for whole numbers.
const GENERAL_REGISTERS: usize = 1;
/// What `PTRACE_O_TRACESYSGOOD` adds to `SIGTRAP` when a thread enters or leaves a system call.
const AT_A_CALL: i32 = libc::SIGTRAP | 0x80;

/// What a thread came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// It stands still because it was told to, or with its whole process, which a signal stopped.
    Still {
        /// Whether a signal did.
        by_signal: bool,
    },
    /// It enters or leaves a system call.
    AtACall,
    /// It is about to take this signal.
    Signal(i32),
    /// It is no more.
    Ended,
}

pub(super) fn seize(tid: Tid) -> Result<(), Errno> {
    // Never PTRACE_O_EXITKILL: our end must not be theirs.
    request(libc::PTRACE_SEIZE, tid, 0, ptr::without_provenance_mut(libc::PTRACE_O_TRACESYSGOOD as usize))
}

pub(super) fn interrupt(tid: Tid) -> Result<(), Errno> {
    request(libc::PTRACE_INTERRUPT, tid, 0, ptr::null_mut())
}

/// Lets a thread go on, with a signal unless it is 0.
pub(super) fn go_on(tid: Tid, signal: i32) -> Result<(), Errno> {
    request(libc::PTRACE_CONT, tid, 0, ptr::without_provenance_mut(signal as usize))
}

/// The same, until it enters or leaves a system call.
pub(super) fn go_on_to_a_call(tid: Tid, signal: i32) -> Result<(), Errno> {
    request(libc::PTRACE_SYSCALL, tid, 0, ptr::without_provenance_mut(signal as usize))
}

/// Lets go of a thread. One that has ended has nothing to go on with; one that does not stand still is let go of at the end
/// of the thread that traces.
pub(super) fn detach(tid: Tid) {
    request(libc::PTRACE_DETACH, tid, 0, ptr::null_mut()).unwrap_or_default();
}

/// `None` for a thread of another architecture: its registers are of another size.
pub(super) fn registers(tid: Tid) -> Result<Option<Registers>, Errno> {
    // SAFETY: it holds whole numbers only, for which all zeros is a value.
    let mut raw: libc::user_regs_struct = unsafe { std::mem::zeroed() };
    let mut vector = libc::iovec { iov_base: (&raw mut raw).cast(), iov_len: size_of_val(&raw) };
    request(libc::PTRACE_GETREGSET, tid, GENERAL_REGISTERS, (&raw mut vector).cast())?;
    Ok((vector.iov_len == size_of_val(&raw)).then_some(Registers(raw)))
}

pub(super) fn set_registers(tid: Tid, registers: &Registers) -> Result<(), Errno> {
    let mut raw = registers.0;
    let mut vector = libc::iovec { iov_base: (&raw mut raw).cast(), iov_len: size_of_val(&raw) };
    request(libc::PTRACE_SETREGSET, tid, GENERAL_REGISTERS, (&raw mut vector).cast())
}

/// The signals it does not take now, one bit each.
pub(super) fn signal_mask(tid: Tid) -> Result<u64, Errno> {
    let mut mask = 0_u64;
    request(libc::PTRACE_GETSIGMASK, tid, size_of_val(&mask), (&raw mut mask).cast())?;
    Ok(mask)
}

pub(super) fn set_signal_mask(tid: Tid, mut mask: u64) -> Result<(), Errno> {
    request(libc::PTRACE_SETSIGMASK, tid, size_of_val(&mask), (&raw mut mask).cast())
}

/// Waits for a thread, until then; `None` when time is up.
pub(super) fn wait(tid: Tid, until: Duration) -> Result<Option<Stop>, Errno> {
    let begun = now();
    loop {
        let mut status = 0;
        // SAFETY: `status` outlives the call.
        match unsafe { libc::waitpid(tid, &raw mut status, libc::__WALL | libc::WNOHANG) } {
            0 => {}
            -1 => match last_error() {
                Errno::CHILD => return Ok(Some(Stop::Ended)),
                Errno::INTR => continue,
                errno => return Err(errno),
            },
            _ => return Ok(Some(meaning(status))),
        }
        let at = now();
        if at >= until {
            return Ok(None);
        }
        if at < begun + EAGER { std::thread::yield_now() } else { pause() }
    }
}

fn meaning(status: i32) -> Stop {
    if !libc::WIFSTOPPED(status) {
        return Stop::Ended;
    }
    match libc::WSTOPSIG(status) {
        signal if status >> 16 == libc::PTRACE_EVENT_STOP => {
            Stop::Still { by_signal: signal != libc::SIGTRAP }
        }
        AT_A_CALL => Stop::AtACall,
        signal => Stop::Signal(signal),
    }
}

#[expect(clippy::disallowed_methods, reason = "waitpid knows no time limit")]
fn pause() {
    std::thread::sleep(PAUSE);
}

fn request(request: libc::c_uint, tid: Tid, address: usize, data: *mut c_void) -> Result<(), Errno> {
    // SAFETY: what `data` points to is as long as the request says in `address` or in the vector itself, and outlives
    // the call; for the other requests it is a number. Only memory of other processes changes behind it.
    let answer = unsafe { libc::ptrace(request, tid, ptr::without_provenance_mut::<c_void>(address), data) };
    if answer == -1 { Err(last_error()) } else { Ok(()) }
}

fn last_error() -> Errno {
    Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)
}

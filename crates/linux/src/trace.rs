//! Holding a process still, looking into it and letting it make system calls, by ptrace.
//!
//! Everything happens in [`hold`]: all threads of the process stand still while its `work` runs, and go on afterwards,
//! whatever `work` did. They are traced by a thread of ours that ends with `hold`, so it is the kernel that lets go of them:
//! also after an error, a panic, or when time was up before one of them stood still.
//!
//! # When the tracer dies in the middle
//!
//! The kernel then lets every thread go on as it stands, so nothing here may ever leave a thread in a state that it
//! could not go on from:
//!
//! - `PTRACE_O_EXITKILL` is never set;
//! - a thread of which nothing was changed makes its interrupted system call again by itself;
//! - [`Held::call`] changes the registers of one thread, in one step, so that it runs a few instructions which make the
//!   call and then put everything back by themselves: its registers, its signal mask, the system call that was
//!   interrupted. While the tracer lives, it does the same after the call. If it dies, what stays behind is a call made, and
//!   some bytes in the unused end of an executable page.
//!
//! What is written with [`Held::memory`] must bear that after every write too.
//!
//! # Why libc and not nix
//!
//! A handful of requests and one way of waiting are all that is used; libc is here already, and rustix has no ptrace.

use std::{io, time::Duration};

use rustix::time::{ClockId, clock_gettime};
use steadfast_model::ProcessIdentity;

use crate::{LinuxError, identity::boot_id, stat};

mod call;
mod maps;
mod memory;
mod obstacle;
mod ptrace;
mod registers;
mod seize;

pub use call::Argument;
pub use maps::{Mapping, mappings};
pub use memory::Memory;
pub use obstacle::{Obstacle, obstacle};
use ptrace::Tid;
use registers::Registers;

/// Lets a process stand still with all its threads, does the work, and lets it go on. `None` when the process is gone.
///
/// `patience` is how long to wait for its threads to stand still, and for each call they make for us. A thread that waits for
/// a disk, or for a child it made with `vfork`, does not stand still.
///
/// # Errors
/// [`LinuxError::Denied`] when this user may not, [`LinuxError::Missing`] for a process of another architecture,
/// [`LinuxError::Call`] when somebody else traces it or time is up, and whatever the work says.
///
/// # Panics
/// When the work does; the process has gone on by then.
pub fn hold<T: Send>(
    process: &ProcessIdentity,
    patience: Duration,
    work: impl FnOnce(&mut Held) -> Result<T, LinuxError> + Send,
) -> Result<Option<T>, LinuxError> {
    if process.boot_id != boot_id()? {
        return Ok(None);
    }
    let traced = || Held::seize(process, patience)?.map(|mut held| work(&mut held)).transpose();
    std::thread::scope(|scope| {
        let tracer = std::thread::Builder::new().name("tracer".to_owned()).spawn_scoped(scope, traced);
        let failed = |source: io::Error| LinuxError::start("start a thread that traces", source);
        tracer.map_err(failed)?.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// A process all of whose threads stand still. It stays with the thread that traces them.
#[derive(Debug)]
pub struct Held {
    pid: u32,
    threads: Vec<Thread>,
    memory: Memory,
    patience: Duration,
    begun: Duration,
}

/// One of them.
#[derive(Debug)]
struct Thread {
    tid: Tid,
    registers: Registers,
    /// Whether a signal has stopped its process as well.
    is_stopped: bool,
}

impl Held {
    /// `None` when it is gone.
    fn seize(process: &ProcessIdentity, patience: Duration) -> Result<Option<Self>, LinuxError> {
        let begun = now();
        let threads = seize::every_thread(process.pid, begun + patience);
        // While a thread of it is traced, its number cannot go to another process: only now it is sure who was seized.
        if stat::read(process.pid)?.is_none_or(|stat| stat.start_time != process.start_time) {
            return Ok(None);
        }
        let threads = threads?;
        let Some(memory) = Memory::open(process.pid, true)?.filter(|_| !threads.is_empty()) else {
            return Ok(None);
        };
        Ok(Some(Self { pid: process.pid, threads, memory, patience, begun }))
    }

    /// Its memory.
    #[must_use]
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// What is mapped where.
    ///
    /// # Errors
    /// When the kernel does not tell.
    pub fn mappings(&self) -> Result<Vec<Mapping>, LinuxError> {
        Ok(mappings(self.pid)?.unwrap_or_default())
    }

    /// Where every thread goes on.
    pub fn program_counters(&self) -> impl Iterator<Item = u64> {
        self.threads.iter().map(|thread| thread.registers.program_counter())
    }

    /// How long it has stood still, counted from when its first thread was told to.
    #[must_use]
    pub fn held_for(&self) -> Duration {
        now().saturating_sub(self.begun)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.threads.iter().for_each(|thread| ptrace::detach(thread.tid));
    }
}

/// On a clock that only moves forward.
fn now() -> Duration {
    let now = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(now.tv_sec).expect("this clock is never negative");
    let nanos = u32::try_from(now.tv_nsec).expect("a part of a second has nine digits");
    Duration::new(seconds, nanos)
}

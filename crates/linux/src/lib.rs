//! What only the kernel can tell or do: processes, clocks, who listens where.
//!
//! It never decides: it does what it is told and says what it did. It is the only crate that may hold unsafe code
//! and the only one, with the tests' kit, that starts programs.
//!
//! - [`clock`]: the system's [`steadfast_model::Clock`];
//! - [`identity`]: what makes a process that very process; its state, parents, name, program and arguments;
//! - [`handle`]: holding on to a process by descriptor, to signal it and to learn of its end;
//! - [`listen`]: which processes listen on a TCP port;
//! - [`mod@detach`]: starting a program that outlives this one;
//! - [`replace`]: going on as another program;
//! - [`command`]: running a program of somebody else so that nothing of it stays;
//! - [`worker`]: starting a program that ends with this one;
//! - [`load`]: load on CPUs, memory and file systems, and how much room there is for it;
//! - [`cpu_group`]: the cgroup that limits the CPU time of a process;
//! - [`skew`]: telling a process another time than it is;
//! - [`trace`]: holding a process still, looking into it and letting it make system calls;
//! - [`files`]: covering a directory with a file system that disturbs what is done with the files below it;
//! - [`volume`]: the file system that a directory is on;
//! - [`network`]: network namespaces, and disturbing what they send and receive.

pub mod clock;
pub mod command;
pub mod cpu_group;
pub mod detach;
pub mod error;
pub mod files;
mod fuse;
pub mod handle;
pub mod identity;
pub mod listen;
pub mod load;
pub mod network;
pub mod replace;
pub mod skew;
mod stat;
pub mod trace;
pub mod volume;
pub mod worker;

pub use clock::SystemClock;
pub use command::{CommandEnding, CommandOrder, CommandReport, run_kept};
pub use detach::{Detached, become_session_leader, detach};
pub use error::LinuxError;
pub use handle::{ProcessHandle, wait_for_an_end};
pub use identity::{
    ancestors, arguments, boot_id, command_name, control_groups, every_process_number, executable, host_name,
    identify, is_kernel_thread, own_identity, process_state, run_the_same_program, units, users,
};
pub use listen::{Listeners, listeners};
pub use replace::replace_this_program;
pub use worker::{Worker, WorkerPipes, start_worker};

//! What stands in the way of holding a process and making it call, seen without touching it.

use std::{fmt, fs::File, io::Read, path::PathBuf};

use steadfast_model::ProcessIdentity;

use super::Memory;
use crate::{LinuxError, identify, stat};

/// Why a process cannot be held, or not be made to call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// Another process traces it: a debugger, `strace`.
    Traced {
        /// Its number.
        by: u32,
    },
    /// This machine is of an architecture for which nobody has written the instructions yet.
    NotHere,
    /// It runs a program of another architecture than this one.
    OtherArchitecture,
    /// A filter of system calls may refuse what is asked of it, or end it (`seccomp`).
    Filtered,
    /// This user may not look into its memory.
    Denied,
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Traced { by } => write!(f, "process {by} traces it"),
            Self::NotHere => f.write_str("this is done on x86-64 only"),
            Self::OtherArchitecture => f.write_str("its program is of another architecture than this one"),
            Self::Filtered => f.write_str("a seccomp filter may refuse system calls it did not make before"),
            Self::Denied => f.write_str("this user may not trace it"),
        }
    }
}

/// The first thing in the way, if anything; the outer `None` when the process is gone.
///
/// # Errors
/// When the kernel does not tell.
pub fn obstacle(process: &ProcessIdentity) -> Result<Option<Option<Obstacle>>, LinuxError> {
    let pid = process.pid;
    let Some(status) = status(pid)? else { return Ok(None) };
    let found = if !cfg!(target_arch = "x86_64") {
        Some(Obstacle::NotHere)
    } else if let Some(by) = tracer_in(&status) {
        Some(Obstacle::Traced { by })
    } else {
        match Memory::open(pid, true) {
            Err(LinuxError::Denied { .. }) => Some(Obstacle::Denied),
            Err(error) => return Err(error),
            Ok(None) => return Ok(None),
            Ok(Some(_)) if is_of_another_architecture(pid)? => Some(Obstacle::OtherArchitecture),
            Ok(Some(_)) => number(&status, "Seccomp:").filter(|mode| *mode != 0).map(|_| Obstacle::Filtered),
        }
    };
    let is_it = identify(pid)?.as_ref() == Some(process);
    Ok(is_it.then_some(found))
}

/// Who traces a process, if anybody.
pub(super) fn tracer_of(pid: u32) -> Option<u32> {
    tracer_in(&status(pid).ok()??)
}

/// A thread traces; people know its process.
fn tracer_in(its_status: &str) -> Option<u32> {
    let tracer = number(its_status, "TracerPid:").filter(|tracer| *tracer != 0)?;
    let of_its_process = || number(&status(tracer).ok()??, "Tgid:");
    Some(of_its_process().unwrap_or(tracer))
}

fn status(pid: u32) -> Result<Option<String>, LinuxError> {
    stat::text_of(pid, "status")
}

fn number(status: &str, key: &str) -> Option<u32> {
    status.lines().find_map(|line| line.strip_prefix(key)?.trim().parse().ok())
}

/// By the header of its program: class, byte order and machine of elf(5) against those of this program.
fn is_of_another_architecture(pid: u32) -> Result<bool, LinuxError> {
    let header = |who: &str| {
        let path = PathBuf::from(format!("/proc/{who}/exe"));
        let mut bytes = [0_u8; 20];
        match File::open(&path).and_then(|mut file| file.read_exact(&mut bytes)) {
            Ok(()) => Ok(Some((bytes[4], bytes[5], bytes[18], bytes[19]))),
            Err(error) if stat::is_gone(&error) => Ok(None),
            Err(source) => Err(LinuxError::Read { path, source }),
        }
    };
    Ok(header(&pid.to_string())?.is_some_and(|its| Some(its) != header("self").ok().flatten()))
}

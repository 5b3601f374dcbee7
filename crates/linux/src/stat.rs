//! `/proc/PID/stat`, the one line that says nearly everything. Fields as in proc_pid_stat(5).

use std::{io, path::PathBuf};

use crate::LinuxError;

/// The fields that matter here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stat {
    /// Field 3: one letter.
    pub state: char,
    /// Field 4: the parent's number.
    pub parent: u32,
    /// Field 9: kernel flags.
    pub flags: u64,
    /// Fields 14 and 15: time on a CPU, in clock ticks.
    pub cpu_ticks: u64,
    /// Field 22: clock ticks after boot.
    pub start_time: u64,
}

/// `PF_KTHREAD` of the kernel's sched.h.
pub(crate) const KERNEL_THREAD: u64 = 0x0020_0000;

/// Reads it; `None` when there is no such process.
pub(crate) fn read(pid: u32) -> Result<Option<Stat>, LinuxError> {
    let Some(line) = text_of(pid, "stat")? else { return Ok(None) };
    let other_form = || LinuxError::Read {
        path: PathBuf::from(format!("/proc/{pid}/stat")),
        source: io::Error::other("a line of another form"),
    };
    parse(&line).map(Some).ok_or_else(other_form)
}

/// A file of text below `/proc/PID`; `None` when there is no such process.
pub(crate) fn text_of(pid: u32, file: &str) -> Result<Option<String>, LinuxError> {
    let path = PathBuf::from(format!("/proc/{pid}/{file}"));
    match std::fs::read(&path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if is_gone(&error) => Ok(None),
        Err(source) => Err(LinuxError::Read { path, source }),
    }
}

/// Whether a file below `/proc/PID` could not be read because the process ended.
pub(crate) fn is_gone(error: &io::Error) -> bool {
    let ended = rustix::io::Errno::SRCH.raw_os_error();
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(ended)
}

/// The name (field 2) may hold blanks and brackets; what counts starts after its last bracket.
pub(crate) fn parse(line: &str) -> Option<Stat> {
    let (_, rest) = line.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let field = |number: usize| fields.get(number - 3).copied();
    Some(Stat {
        state: field(3)?.chars().next()?,
        parent: field(4)?.parse().ok()?,
        flags: field(9)?.parse().ok()?,
        cpu_ticks: field(14)?.parse::<u64>().ok()?.saturating_add(field(15)?.parse().ok()?),
        start_time: field(22)?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_blanks_does_not_confuse() {
        let line = "7 (a) S 9 (x) T 3 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 8675309 1 2";
        let stat = parse(line).unwrap();
        let expected =
            Stat { state: 'T', parent: 3, flags: 4_194_560, cpu_ticks: 5 + 6, start_time: 8_675_309 };
        assert_eq!(stat, expected);
    }

    #[test]
    fn a_short_line_is_refused() {
        for line in ["", "7 (a", "7 (a) S 1", "7 (a) S x 7 7 0 -1 1 1 2 3 4 5 6 7 8 20 0 1 0 8 1 2"] {
            assert_eq!(parse(line), None, "{line}");
        }
    }
}

//! Which process a number stands for, what it does and where it comes from.

use std::path::PathBuf;

use steadfast_model::process::{ProcessIdentity, ProcessState};

use crate::{LinuxError, stat};

/// Identifies this boot of this machine.
///
/// # Errors
/// When `/proc` does not tell.
pub fn boot_id() -> Result<String, LinuxError> {
    let path = PathBuf::from("/proc/sys/kernel/random/boot_id");
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(text.trim().to_owned()),
        Err(source) => Err(LinuxError::Read { path, source }),
    }
}

/// The process that has this number now; `None` when there is none or it has ended.
///
/// # Errors
/// When the process table cannot be read.
pub fn identify(pid: u32) -> Result<Option<ProcessIdentity>, LinuxError> {
    let Some(stat) = stat::read(pid)? else { return Ok(None) };
    if matches!(stat.state, 'Z' | 'X' | 'x') {
        return Ok(None);
    }
    Ok(Some(ProcessIdentity { pid, start_time: stat.start_time, boot_id: boot_id()? }))
}

/// This process.
///
/// # Errors
/// When the process table cannot be read.
pub fn own_identity() -> Result<ProcessIdentity, LinuxError> {
    let missing = || LinuxError::Missing { what: "find this process in /proc".to_owned() };
    identify(std::process::id())?.ok_or_else(missing)
}

/// What a process does now.
///
/// # Errors
/// When the process table cannot be read.
pub fn process_state(process: &ProcessIdentity) -> Result<ProcessState, LinuxError> {
    if process.boot_id != boot_id()? {
        return Ok(ProcessState::Gone);
    }
    let Some(stat) = stat::read(process.pid)? else { return Ok(ProcessState::Gone) };
    if stat.start_time != process.start_time {
        return Ok(ProcessState::Gone);
    }
    Ok(match stat.state {
        'T' => ProcessState::Stopped,
        't' => ProcessState::Traced,
        'Z' | 'X' | 'x' => ProcessState::Dead,
        _ => ProcessState::Running,
    })
}

/// The numbers of a process's parent, its parent, and so on up to the first process. Ends early where a process
/// ends while being asked.
///
/// # Errors
/// When the process table cannot be read.
pub fn ancestors(pid: u32) -> Result<Vec<u32>, LinuxError> {
    let mut found = Vec::new();
    let mut at = pid;
    while let Some(stat) = stat::read(at)? {
        if stat.parent == 0 || found.contains(&stat.parent) {
            break;
        }
        found.push(stat.parent);
        at = stat.parent;
    }
    Ok(found)
}

/// Whether the kernel itself runs under this number.
///
/// # Errors
/// When the process table cannot be read.
pub fn is_kernel_thread(pid: u32) -> Result<bool, LinuxError> {
    Ok(stat::read(pid)?.is_some_and(|stat| stat.flags & stat::KERNEL_THREAD != 0))
}

/// The short name of a process, at most 15 bytes; `None` when it is gone.
///
/// # Errors
/// When the process table cannot be read.
pub fn command_name(pid: u32) -> Result<Option<String>, LinuxError> {
    let path = PathBuf::from(format!("/proc/{pid}/comm"));
    match std::fs::read(&path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).trim_end().to_owned())),
        Err(error) if stat::is_gone(&error) => Ok(None),
        Err(source) => Err(LinuxError::Read { path, source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_knows_itself_and_where_it_comes_from() {
        let own = own_identity().unwrap();
        assert_eq!(own.pid, std::process::id());
        assert_eq!(process_state(&own).unwrap(), ProcessState::Running);
        assert!(!ancestors(own.pid).unwrap().contains(&own.pid));
        assert!(!is_kernel_thread(own.pid).unwrap());
        assert!(command_name(own.pid).unwrap().is_some());
    }

    #[test]
    fn the_same_number_with_another_start_or_boot_is_another_process() {
        let own = own_identity().unwrap();
        let recycled = ProcessIdentity { start_time: own.start_time + 1, ..own.clone() };
        assert_eq!(process_state(&recycled).unwrap(), ProcessState::Gone);
        let earlier_boot = ProcessIdentity { boot_id: "another".to_owned(), ..own };
        assert_eq!(process_state(&earlier_boot).unwrap(), ProcessState::Gone);
    }

    #[test]
    fn a_number_nobody_has_is_nobody() {
        assert_eq!(identify(u32::MAX).unwrap(), None);
        assert_eq!(command_name(u32::MAX).unwrap(), None);
    }
}

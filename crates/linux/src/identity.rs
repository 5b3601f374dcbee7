//! Which process a number stands for, what it does and where it comes from.

use std::{
    ffi::OsString,
    io,
    os::unix::{
        ffi::{OsStrExt, OsStringExt},
        fs::MetadataExt,
    },
    path::PathBuf,
};

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

/// What this machine is called.
#[must_use]
pub fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
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

/// The numbers of all processes that are there now, in their order.
///
/// # Errors
/// When the process table cannot be read.
pub fn every_process_number() -> Result<Vec<u32>, LinuxError> {
    let path = PathBuf::from("/proc");
    let entries = std::fs::read_dir(&path).map_err(|source| LinuxError::Read { path, source })?;
    let mut pids: Vec<u32> =
        entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect();
    pids.sort_unstable();
    Ok(pids)
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

/// What a process was started with, its own name first. Empty for threads of the kernel; `None` when it is gone.
/// A process may change what stands here.
///
/// # Errors
/// When the process table cannot be read.
pub fn arguments(pid: u32) -> Result<Option<Vec<OsString>>, LinuxError> {
    let path = PathBuf::from(format!("/proc/{pid}/cmdline"));
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if stat::is_gone(&error) => return Ok(None),
        Err(source) => return Err(LinuxError::Read { path, source }),
    };
    // Every argument ends with a zero byte; one that was changed may not.
    let whole = bytes.strip_suffix(&[0]).unwrap_or(&bytes);
    if whole.is_empty() {
        return Ok(Some(Vec::new()));
    }
    Ok(Some(whole.split(|byte| *byte == 0).map(|word| OsString::from_vec(word.to_vec())).collect()))
}

/// Whether two processes run the very same file, whatever its name is now; `None` where this user may not know, or
/// one of them is gone.
///
/// # Errors
/// When the process table cannot be read.
pub fn run_the_same_program(one: u32, other: u32) -> Result<Option<bool>, LinuxError> {
    let (Some(one), Some(other)) = (program(one)?, program(other)?) else { return Ok(None) };
    Ok(Some(one == other))
}

/// The file that a process runs, under the name it had; `None` where this user may not know, for threads of the kernel,
/// and when the process is gone.
///
/// # Errors
/// When the process table cannot be read.
pub fn executable(pid: u32) -> Result<Option<PathBuf>, LinuxError> {
    let path = PathBuf::from(format!("/proc/{pid}/exe"));
    match std::fs::read_link(&path) {
        Ok(found) => {
            let bytes = found.as_os_str().as_bytes();
            let named = bytes.strip_suffix(b" (deleted)").unwrap_or(bytes);
            Ok(Some(PathBuf::from(OsString::from_vec(named.to_vec()))))
        }
        Err(error) if stat::is_gone(&error) || error.kind() == io::ErrorKind::PermissionDenied => Ok(None),
        Err(source) => Err(LinuxError::Read { path, source }),
    }
}

/// The numbers of the users a process acts for: real and effective; `None` when it is gone.
///
/// # Errors
/// When the process table cannot be read.
pub fn users(pid: u32) -> Result<Option<[u32; 2]>, LinuxError> {
    let Some(text) = stat::text_of(pid, "status")? else { return Ok(None) };
    let mut numbers =
        text.lines().find_map(|line| line.strip_prefix("Uid:")).unwrap_or_default().split_whitespace();
    let mut next = || numbers.next()?.parse().ok();
    Ok(next().zip(next()).map(|(real, effective)| [real, effective]))
}

/// The systemd units a process belongs to, from the outermost slice to its service or scope; empty where systemd has
/// none for it, `None` when it is gone.
///
/// # Errors
/// When the process table cannot be read.
pub fn units(pid: u32) -> Result<Option<Vec<String>>, LinuxError> {
    Ok(stat::text_of(pid, "cgroup")?.map(|table| units_in(&table)))
}

/// The names of the control groups a process is in and of those above them, hierarchy by hierarchy; `None` when it is gone.
///
/// # Errors
/// When the process table cannot be read.
pub fn control_groups(pid: u32) -> Result<Option<Vec<String>>, LinuxError> {
    let names = |table: String| {
        let paths = table.lines().filter_map(|line| Some(line.split_once(':')?.1.split_once(':')?.1));
        paths.flat_map(|path| path.split('/')).filter(|name| !name.is_empty()).map(str::to_owned).collect()
    };
    Ok(stat::text_of(pid, "cgroup")?.map(names))
}

/// systemd names control groups after its units, in the hierarchy of its own (`name=systemd`) or in the only one (`0::`).
/// Lines as in cgroups(7): number, controllers, path.
fn units_in(table: &str) -> Vec<String> {
    const ENDINGS: [&str; 3] = [".service", ".scope", ".slice"];
    let line = |kind: &str| table.lines().find_map(|line| line.split_once(':')?.1.strip_prefix(kind));
    let path = line("name=systemd:").filter(|path| *path != "/").or_else(|| line(":")).unwrap_or_default();
    let units = path.split('/').filter(|part| ENDINGS.iter().any(|ending| part.ends_with(ending)));
    units.map(str::to_owned).collect()
}

/// Device and number of the file that a process runs.
fn program(pid: u32) -> Result<Option<(u64, u64)>, LinuxError> {
    let path = PathBuf::from(format!("/proc/{pid}/exe"));
    match std::fs::metadata(&path) {
        Ok(found) => Ok(Some((found.dev(), found.ino()))),
        Err(error) if stat::is_gone(&error) || error.kind() == io::ErrorKind::PermissionDenied => Ok(None),
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
        assert_eq!(executable(own.pid).unwrap(), std::env::current_exe().ok());
        let user = rustix::process::geteuid().as_raw();
        assert_eq!(users(own.pid).unwrap(), Some([user, user]));
        assert_eq!((executable(u32::MAX).unwrap(), users(u32::MAX).unwrap()), (None, None));
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
    fn units_are_read_from_either_hierarchy() {
        let hybrid = "9:name=systemd:/system.slice/pay.service\n4:memory:/x.service\n0::/\n";
        assert_eq!(units_in(hybrid), ["system.slice", "pay.service"]);
        assert_eq!(
            units_in("0::/user.slice/user-7.slice/a.scope/inner\n"),
            ["user.slice", "user-7.slice", "a.scope"]
        );
        assert_eq!(units_in("9:name=systemd:/\n0::/pay.service\n"), ["pay.service"]);
        assert_eq!(units_in("1:cpu:/docker/77\n0::/\n"), Vec::<String>::new());
        assert_eq!(units(u32::MAX).unwrap(), None);
        assert!(units(std::process::id()).unwrap().is_some());
    }

    #[test]
    fn a_number_nobody_has_is_nobody() {
        assert_eq!(identify(u32::MAX).unwrap(), None);
        assert_eq!(command_name(u32::MAX).unwrap(), None);
        assert_eq!(arguments(u32::MAX).unwrap(), None);
        assert_eq!(run_the_same_program(u32::MAX, std::process::id()).unwrap(), None);
    }

    #[test]
    fn this_process_runs_the_program_and_the_arguments_it_was_started_with() {
        let own = std::process::id();
        assert_eq!(arguments(own).unwrap().unwrap(), std::env::args_os().collect::<Vec<_>>());
        assert_eq!(run_the_same_program(own, own).unwrap(), Some(true));
    }
}

//! Moving this whole process into a network namespace of its own, also without any privilege.

use rustix::{
    io::Errno,
    process::{getegid, geteuid},
    thread::{UnshareFlags, capabilities, unshare_unsafe},
};

use super::cable::switch_on;
use crate::LinuxError;

/// Moves this process, which must have no other thread yet, into a new network namespace in which there is nothing but
/// loopback. Everything it starts will be in it too, and nothing of it stays when the last of them ends.
///
/// Who has no capabilities gets a new user namespace around it, in which this user is called root and may do with the
/// network what root may. Outside it this process may do no more than before, and what belongs to others seems to belong
/// to nobody. Who has some keeps them, as they would be worth nothing from within a user namespace.
///
/// # Errors
/// [`LinuxError::Denied`] when this machine lets this user have none. After an error this process may be half-way in, and
/// is good for nothing more than to say so.
pub fn move_apart() -> Result<(), LinuxError> {
    let task = std::path::PathBuf::from("/proc/self/task");
    let threads = std::fs::read_dir(&task).map_err(|source| LinuxError::Read { path: task, source })?;
    if threads.count() > 1 {
        let others = std::io::Error::other("it has other threads, which would stay behind");
        return Err(LinuxError::Call { what: "move this process".to_owned(), source: others });
    }
    let within_user_namespace = moves_into_user_namespace()?;
    let (user, group) = (geteuid().as_raw(), getegid().as_raw());
    let (what, flags) = if within_user_namespace {
        ("make a user namespace and a network namespace", UnshareFlags::NEWUSER | UnshareFlags::NEWNET)
    } else {
        ("make a network namespace with the capabilities that this user has", UnshareFlags::NEWNET)
    };
    // SAFETY: it moves this process, which has one thread, into new namespaces; no descriptor changes hands.
    let moved = unsafe { unshare_unsafe(flags) };
    moved.map_err(|errno| not_made(what, errno))?;
    if within_user_namespace {
        // Without this a group could be put down, and with it what is denied to its members: user_namespaces(7).
        write("setgroups", "deny")?;
        write("uid_map", &format!("0 {user} 1"))?;
        write("gid_map", &format!("0 {group} 1"))?;
    }
    switch_on("lo")
}

/// Whether [`move_apart`] makes a user namespace too.
///
/// # Errors
/// When the kernel does not tell what this process may do.
pub fn moves_into_user_namespace() -> Result<bool, LinuxError> {
    let failed = |errno| LinuxError::call("look at the capabilities of this process", errno);
    Ok(capabilities(None).map_err(failed)?.effective.is_empty())
}

fn write(file: &str, text: &str) -> Result<(), LinuxError> {
    std::fs::write(format!("/proc/self/{file}"), text).map_err(|source| {
        let what = format!("write /proc/self/{file}");
        match Errno::from_io_error(&source) {
            Some(errno) => LinuxError::call(what, errno),
            None => LinuxError::Call { what, source },
        }
    })
}

/// Moves this thread, which must end before long, into a new network namespace in which there is nothing.
pub(super) fn move_thread() -> Result<(), LinuxError> {
    // SAFETY: it moves one thread into a new network namespace; no descriptor changes hands.
    let moved = unsafe { unshare_unsafe(UnshareFlags::NEWNET) };
    moved.map_err(|errno| not_made("make a network namespace", errno))
}

fn not_made(what: &str, errno: Errno) -> LinuxError {
    if errno != Errno::NOSPC {
        return LinuxError::call(what, errno);
    }
    // The kernel's own words are of a full disk.
    let why =
        "this machine allows no more of them (sysctl user.max_user_namespaces, user.max_net_namespaces)";
    LinuxError::Call { what: what.to_owned(), source: std::io::Error::other(why) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_with_other_threads_is_not_moved() {
        let before = super::super::own_namespace().unwrap();
        // Tests are run by threads of their own.
        let error = move_apart().unwrap_err().with_causes();
        assert!(error.contains("other threads"), "{error}");
        assert_eq!(super::super::own_namespace().unwrap(), before);
    }
}

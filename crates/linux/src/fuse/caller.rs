//! Making files as the user who asks, so that they belong to that one from the start.

use rustix::thread::{CapabilitySet, capabilities, set_capabilities};

/// Does `work` with this user and group for files, and with the right to pass by the modes of directories: the kernel has
/// looked at those already, with all groups of the one who asks.
pub(super) fn as_caller<T>(user: u32, group: u32, work: impl FnOnce() -> T) -> T {
    if (user, group) == (0, 0) {
        return work();
    }
    let _back = Back;
    set(user, group);
    if let Ok(mut sets) = capabilities(None) {
        sets.effective |= CapabilitySet::DAC_OVERRIDE & sets.permitted;
        // Failing here makes `work` fail, with what the kernel then says.
        let _may_pass = set_capabilities(None, sets);
    }
    work()
}

/// However `work` ends. Capabilities for files come back with user 0.
struct Back;

impl Drop for Back {
    fn drop(&mut self) {
        set(0, 0);
    }
}

/// The group first: later this thread may not any more.
fn set(user: u32, group: u32) {
    // SAFETY: both change numbers of this thread alone and touch no memory.
    unsafe {
        libc::setfsgid(group);
        libc::setfsuid(user);
    }
}

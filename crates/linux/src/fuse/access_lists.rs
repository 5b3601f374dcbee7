//! Access lists of POSIX, acl(5): the kernel judges by them as it does by the mode, and asks for them as extended attributes.

use std::{ffi::OsStr, io};

use fuser::{InitFlags, KernelConfig};
use rustix::io::Errno;

use super::{nodes::Node, passing::attribute};

/// Tells the kernel to judge by them. Without that the mode alone would, in which an access list shows only its mask: some
/// could do more than they may. It also makes the kernel ask who changes one.
pub(super) fn honour(config: &mut KernelConfig) -> io::Result<()> {
    let why = "this kernel does not judge by access lists in FUSE file systems";
    config.add_capabilities(InitFlags::FUSE_POSIX_ACL).map_err(|_| io::Error::other(why))
}

/// Whether an extended attribute is such a list. The kernel reads it to judge, so that it is never disturbed.
pub(super) fn is_one(name: &OsStr) -> bool {
    name == "system.posix_acl_access" || name == "system.posix_acl_default"
}

/// The list that a file has. The kernel takes every other answer than that there is none for a reason to refuse, also where
/// there are no lists at all.
pub(super) fn of(node: &Node, name: &OsStr, size: u32) -> Result<Vec<u8>, Errno> {
    attribute(node, name, size).map_err(|errno| if errno == Errno::OPNOTSUPP { Errno::NODATA } else { errno })
}

/// Of attributes of the file system itself the kernel judges only these; whoever may change others is not known here.
pub(super) fn may_change(name: &OsStr) -> Result<(), Errno> {
    let is_open = is_one(name) || !name.as_encoded_bytes().starts_with(b"system.");
    if is_open { Ok(()) } else { Err(Errno::OPNOTSUPP) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_does_not_judge_is_not_changed_for_anybody() {
        let may = |name: &str| may_change(name.as_ref()).is_ok();
        assert!(may("user.colour") && may("system.posix_acl_access") && may("security.capability"));
        assert!(!may("system.nfs4_acl") && !may("system.posix_acl"));
    }
}

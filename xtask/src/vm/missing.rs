//! What a machine needs to make and run a virtual one.

use anyhow::Result;

use crate::program::{is_root, program};

/// Program, and the Debian package it comes from.
const NEEDED: [(&str, &str); 3] =
    [("qemu-system-x86_64", "qemu-system-x86"), ("debootstrap", "debootstrap"), ("mkfs.ext4", "e2fsprogs")];

/// What to do when something is missing; nothing when all is there.
pub(super) fn programs() -> Result<Option<String>> {
    if !is_root()? {
        return Ok(Some("only root can make a root file system".to_owned()));
    }
    let is_there = |name: &str| program(name, &["--version"]).output().is_ok();
    let missing: Vec<&str> =
        NEEDED.iter().filter(|(name, _)| !is_there(name)).map(|(_, package)| *package).collect();
    Ok((!missing.is_empty())
        .then(|| format!("apt-get install --no-install-recommends {}", missing.join(" "))))
}

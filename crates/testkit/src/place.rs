//! Directories that a ledger accepts.

use std::{fs::Permissions, os::unix::fs::PermissionsExt};

use tempfile::TempDir;

/// A new directory with mode 0700 beside the test program: on a disk, where `/tmp` may live in memory. Removed when
/// dropped.
///
/// # Panics
/// When it cannot be made.
#[must_use]
pub fn durable_dir() -> TempDir {
    let program = std::env::current_exe().expect("a test program knows its path");
    let beside = program.parent().expect("a program is in a directory");
    let mut builder = tempfile::Builder::new();
    builder.prefix("t").permissions(Permissions::from_mode(0o700));
    builder.tempdir_in(beside).expect("a test may write beside its program")
}

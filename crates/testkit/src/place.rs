//! Directories that a ledger accepts.

use std::{fs::Permissions, os::unix::fs::PermissionsExt, path::Path, process::Command};

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

/// Copies a program to where it can be run at once. By another process: a file that a child of a test beside this one
/// still holds open for writing cannot be run.
///
/// # Panics
/// When it cannot be copied.
pub fn copy_program(from: impl AsRef<Path>, to: impl AsRef<Path>) {
    #[expect(clippy::disallowed_methods, reason = "copies a program")]
    let copied = Command::new("cp").arg(from.as_ref()).arg(to.as_ref()).status();
    assert!(copied.expect("every system has `cp`").success(), "a test may write there");
}

//! Makes a bare Debian root.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use super::{mirror, say};
use crate::program::program;

/// What debootstrap says when the mirror cannot be reached.
const UNREACHABLE: [&str; 3] = ["Failed getting release file", "Invalid Release file", "Couldn't download"];

/// A minimal root in a folder that is removed with what is returned; or why there can be none here.
pub(super) fn make(parent: &Path) -> Result<Result<TempDir, String>> {
    let id = program("id", &["-u"]).output().context("start id")?;
    if id.stdout.trim_ascii() != b"0" {
        return Ok(Err("only root can make a root file system".to_owned()));
    }
    if program("debootstrap", &["--version"]).output().is_err() {
        return Ok(Err("debootstrap is not installed: apt-get install debootstrap".to_owned()));
    }
    let Some(mirror) = mirror::of_this_machine() else {
        return Ok(Err("the configuration of apt names no mirror of this machine's release".to_owned()));
    };
    fs::create_dir_all(parent)?;
    let folder = tempfile::Builder::new().prefix("root-").tempdir_in(parent)?;
    say(&format!("making a bare root of {}", mirror.suite));
    let path = folder.path().to_str().context("the path is UTF-8")?;
    // In namespaces of its own, so that no mount and no process of it outlives it, however it ends.
    let arguments =
        ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "debootstrap", "--variant=minbase"];
    let arguments = [&arguments[..], &[&mirror.suite, path, &mirror.address]].concat();
    let made = program("unshare", &arguments).output().context("start unshare")?;
    if made.status.success() {
        return Ok(Ok(folder));
    }
    let said = [made.stdout, made.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    if let Some(line) = said.lines().find(|line| UNREACHABLE.iter().any(|words| line.contains(words))) {
        return Ok(Err(format!("no Debian mirror can be reached: {line}")));
    }
    bail!("debootstrap ended with {}:\n{said}", made.status)
}

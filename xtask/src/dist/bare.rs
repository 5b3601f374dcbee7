//! Makes a bare Debian root.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Result, bail};
use tempfile::TempDir;

use super::mirror::{self, Mirror};
use crate::{
    background::Background,
    program::{is_root, program, text},
    say::say,
};

/// What debootstrap says when the mirror cannot be reached.
const UNREACHABLE: [&str; 3] = ["Failed getting release file", "Invalid Release file", "Couldn't download"];

/// A root under way, in a folder that is removed with it.
pub(crate) struct Making {
    folder: TempDir,
    maker: Background,
}

/// Begins to make a minimal root, with processor time that nothing else wants; or says why there can be none here.
pub(super) fn begin(parent: &Path) -> Result<Result<Making, String>> {
    if !is_root()? {
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
    let maker =
        Background::start_idle_into(&debootstrap(&mirror, folder.path(), &[])?, &said(folder.path()))?;
    Ok(Ok(Making { folder, maker }))
}

/// What makes a minimal root with these packages beyond the essential ones. In namespaces of its own, so that no mount and
/// no process of it outlives it, however it ends.
pub(crate) fn debootstrap(mirror: &Mirror, root: &Path, packages: &[&str]) -> Result<Command> {
    let own =
        ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "debootstrap", "--variant=minbase"];
    let mut command = program("unshare", &own);
    if !packages.is_empty() {
        command.arg(format!("--include={}", packages.join(",")));
    }
    command.args([&mirror.suite, text(root)?, &mirror.address]);
    Ok(command)
}

impl Making {
    /// Waits for it; or says why there can be none here.
    pub(super) fn finish(self) -> Result<Result<TempDir, String>> {
        let made = self.maker.finish();
        let file = said(self.folder.path());
        let said = fs::read_to_string(&file).unwrap_or_default();
        drop(fs::remove_file(&file));
        let Err(why) = made else { return Ok(Ok(self.folder)) };
        if let Some(line) = said.lines().find(|line| UNREACHABLE.iter().any(|words| line.contains(words))) {
            return Ok(Err(format!("no Debian mirror can be reached: {line}")));
        }
        bail!("{why}:\n{said}")
    }
}

/// Where debootstrap's words go: beside its root, whose name no other has.
fn said(root: &Path) -> PathBuf {
    root.with_extension("log")
}

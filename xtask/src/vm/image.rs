//! The disk of the machine: a small Debian with systemd, the tests, and the program.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};

use super::scripts::Payload;
use crate::{
    dist::{bare::debootstrap, mirror},
    program::{program, root as repository, run, text},
    say::say,
};

/// Beyond the essential ones.
const PACKAGES: [&str; 8] =
    ["busybox-static", "cpio", "iproute2", "kmod", "nftables", "procps", "strace", "systemd-sysv"];
/// What is written to; a file with holes until then.
const SIZE: &str = "4G";

/// A bare root, made once.
pub(super) fn base(folder: &Path) -> Result<PathBuf> {
    let (root, done) = (folder.join("root"), folder.join("root.done"));
    if done.exists() {
        return Ok(root);
    }
    let mirror = mirror::of_this_machine()
        .context("the configuration of apt names no mirror of this machine's release")?;
    say(&format!("making a root of {}", mirror.suite));
    drop(fs::remove_dir_all(&root));
    let made = debootstrap(&mirror, &root, &PACKAGES)?.output().context("start unshare")?;
    ensure!(made.status.success(), "debootstrap: {}", String::from_utf8_lossy(&made.stdout));
    fs::write(done, "")?;
    Ok(root)
}

/// A disk with the root and everything that is to be run. Programs lie where they were built, as they know no other place.
pub(super) fn disk(folder: &Path, root: &Path, payload: &Payload<'_>) -> Result<PathBuf> {
    let below = |path: &Path| root.join(path.strip_prefix("/").unwrap_or(path));
    drop(fs::remove_dir_all(below(&repository())));
    let steadfast = repository().join("target/debug/steadfast");
    for suite in payload.suites {
        fs::create_dir_all(below(&suite.folder))?;
    }
    for file in payload.suites.iter().map(|suite| &suite.executable).chain([&steadfast]) {
        let copy = below(file);
        fs::create_dir_all(copy.parent().context("it lies in a folder")?)?;
        run(program("strip", &["--strip-debug", "-o", text(&copy)?, text(file)?]))?;
    }
    payload.write(root, &steadfast)?;
    let disk = folder.join("disk.ext4");
    drop(fs::remove_file(&disk));
    run(program("mkfs.ext4", &["-q", "-F", "-d", text(root)?, text(&disk)?, SIZE]))?;
    Ok(disk)
}

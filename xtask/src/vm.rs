//! `cargo xtask vm`: the tests that need a kernel, in a virtual machine with Debian's.
//!
//! The kernel that builds this project need not have netem, control groups of version 2 or nftables' own queue; Debian's
//! has. The machine is emulated, so no virtualisation is needed either, and what it is given is made and kept below
//! `target/vm`. It boots systemd, runs the suites, is then reset in the middle of a fault, and must have undone
//! it when it is up again.

use std::fs;

use anyhow::{Context, Result, bail, ensure};

use crate::{
    program::root,
    say::say,
    test::{Seen, Suite, suites},
};

mod boot;
mod image;
mod kernel;
mod missing;
mod scripts;

/// What to run in it.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct VmArguments {
    /// Only tests whose name contains this
    filter: Option<String>,
    /// Leave out the reset in the middle of a fault
    #[arg(long)]
    no_reset: bool,
}

/// Test programs that depend on the kernel, by name.
const SUITES: [&str; 7] =
    ["steadfast_linux", "network", "cable", "processes", "steadfast_host", "host", "contract"];

/// Builds, boots, runs and compares.
pub(crate) fn vm(arguments: &VmArguments) -> Result<()> {
    if let Some(hint) = missing::programs()? {
        bail!("the virtual machine cannot be made here\nhint: {hint}");
    }
    let suites: Vec<Suite> = suites()?.into_iter().filter(|suite| SUITES.contains(&&*suite.name)).collect();
    ensure!(suites.len() == SUITES.len(), "not {SUITES:?} but {suites:?}");
    let folder = root().join("target/vm");
    fs::create_dir_all(&folder).context("make target/vm")?;
    let root = image::base(&folder)?;
    let kernel = kernel::fetch(&folder, &root)?;
    let payload =
        scripts::Payload { suites: &suites, filter: arguments.filter.as_deref(), reset: !arguments.no_reset };
    let disk = image::disk(&folder, &root, &payload)?;
    let said = boot::boot(&folder, &kernel, &disk)?;
    judge(&said, arguments)
}

/// What the machine said must be all that it should have said.
fn judge(said: &[String], arguments: &VmArguments) -> Result<()> {
    let mut seen = Seen::default();
    said.iter().for_each(|line| seen.line(line));
    let skipped: String = said
        .iter()
        .filter_map(|line| line.strip_prefix("vm: skipped "))
        .map(|line| format!("{line}\n"))
        .collect();
    seen.skipped_at_run_time(&skipped);
    let mut problems: Vec<String> = said
        .iter()
        .filter_map(|line| line.strip_prefix("vm: ended "))
        .filter(|line| !line.starts_with("0 "))
        .map(|line| format!("a test program ended with {line}"))
        .collect();
    if !said.iter().any(|line| line == "vm: over") {
        problems.push("the machine did not come to its end".to_owned());
    }
    if !arguments.no_reset && !said.iter().any(|line| line == "vm: reset undone") {
        problems.push("what was in place when the machine was reset was not undone at boot".to_owned());
    }
    if seen.run == 0 {
        problems.push("no test was run".to_owned());
    }
    for (name, reason) in &seen.skipped {
        say(&format!("skipped: {name}: {reason}"));
    }
    say(&format!("{} passed, {} failed, {} skipped", seen.passed, seen.failed, seen.skipped.len()));
    if !problems.is_empty() {
        bail!("{}", problems.join("\n"));
    }
    Ok(())
}

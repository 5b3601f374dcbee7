//! What the numbers were measured on and with.

use std::fs;

use anyhow::{Context, Result};

use crate::program::program;

/// Processor, cores and kernel in one line.
pub(super) fn machine() -> String {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": ").map(|(_, model)| model.trim()))
        .unwrap_or("unknown processor");
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{model}, {cores} cores, Linux {}", kernel.trim())
}

/// Today, in UTC.
pub(super) fn date() -> Result<String> {
    first_line("date", &["-u", "+%Y-%m-%d"]).context("today's date")
}

/// Compiler and rival.
pub(super) fn versions() -> Result<String> {
    let compiler = first_line("rustc", &["--version"]).context("the compiler's version")?;
    let rival = first_line("haproxy", &["-v"]).unwrap_or_else(|| "no HAProxy".to_owned());
    let rival = rival.split(" - ").next().unwrap_or_default();
    Ok(format!("{compiler}; {rival}"))
}

/// The first line a program prints.
pub(super) fn first_line(name: &str, words: &[&str]) -> Option<String> {
    let output = program(name, words).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).lines().next()?.trim().to_owned())
}

//! The nightly toolchain that fuzz targets need.

use anyhow::{Result, bail};

use crate::program::program;

/// What to run where there is none.
const REMEDY: &str = "rustup toolchain install nightly --profile minimal";

/// The name of an installed nightly toolchain. Where rustup has none, it is asked to install one.
pub(super) fn nightly() -> Result<String> {
    if let Some(name) = installed()? {
        return Ok(name);
    }
    let words: Vec<&str> = REMEDY.split(' ').collect();
    let done = program(words[0], &words[1..]).status().is_ok_and(|status| status.success());
    match installed()? {
        Some(name) if done => Ok(name),
        _ => bail!("fuzzing needs a nightly toolchain, and it could not be installed\nhint: {REMEDY}"),
    }
}

fn installed() -> Result<Option<String>> {
    let listed = match program("rustup", &["toolchain", "list"]).output() {
        Ok(output) if output.status.success() => output.stdout,
        _ => bail!(
            "fuzzing needs a nightly toolchain, which rustup installs\nhint: https://rustup.rs, then {REMEDY}"
        ),
    };
    Ok(first_nightly(&String::from_utf8_lossy(&listed)))
}

fn first_nightly(list: &str) -> Option<String> {
    let names = list.lines().filter_map(|line| line.split_whitespace().next());
    names.into_iter().find(|name| name.starts_with("nightly")).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nightly_toolchain_is_found_in_the_list() {
        let list = "stable-x86_64-unknown-linux-gnu (active, default)\nnightly-2026-01-01-x86_64-unknown-linux-gnu\n";
        assert_eq!(first_nightly(list).as_deref(), Some("nightly-2026-01-01-x86_64-unknown-linux-gnu"));
        assert_eq!(first_nightly("stable-x86_64-unknown-linux-gnu\n"), None);
    }
}

//! `cargo xtask dist`: the program as one static file that wants nothing from the machine it runs on.
//!
//! `--check` proves it: it makes a bare Debian root, copies that one file in, and runs it there. The root is made and
//! used in namespaces of its own and removed at the end.

use std::{
    fs,
    path::Path,
    process::{Child, Command},
};

use anyhow::{Context, Result, bail, ensure};

use crate::program::{cargo, program, root, run};

mod bare;
mod mirror;
mod steps;

/// What to make.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct DistArguments {
    /// Then run it in a bare Debian root: needs root and debootstrap
    #[arg(long)]
    check: bool,
}

/// How a check ended that did not fail.
pub(crate) enum Checked {
    Passed,
    /// It cannot be done here, for this reason.
    Skipped(String),
}

/// Functions of the C library that load parts of it when they are called.
const LOADED_LATER: [&str; 25] = [
    "getaddrinfo",
    "getnameinfo",
    "gethostbyname",
    "gethostbyname_r",
    "gethostbyname2",
    "gethostbyname2_r",
    "gethostbyaddr",
    "gethostbyaddr_r",
    "getservbyname",
    "getservbyname_r",
    "getservbyport",
    "getservbyport_r",
    "getprotobyname",
    "getprotobyname_r",
    "getpwnam",
    "getpwnam_r",
    "getpwuid",
    "getpwuid_r",
    "getpwent",
    "getgrnam",
    "getgrnam_r",
    "getgrgid",
    "getgrgid_r",
    "getgrouplist",
    "initgroups",
];

/// Builds, and checks when asked to. A check that cannot be done here is a failure for whoever asked for it.
pub(crate) fn dist(arguments: &DistArguments) -> Result<()> {
    build()?;
    if arguments.check
        && let Checked::Skipped(why) = check()?
    {
        bail!("the check cannot be done here: {why}");
    }
    Ok(())
}

/// Builds `target/dist/steadfast` and its checksum.
fn build() -> Result<()> {
    Building { child: spawn(cargo(&ARGUMENTS))? }.finish()
}

/// A build under way.
pub(crate) struct Building {
    child: Child,
}

impl Building {
    /// Begins one that has processors only while nothing else wants them.
    pub(crate) fn in_the_background() -> Result<Self> {
        let cargo = cargo(&ARGUMENTS);
        let mut idle = program("chrt", &["--idle", "0"]);
        idle.arg(cargo.get_program()).args(cargo.get_args());
        for (name, value) in cargo.get_envs() {
            match value {
                Some(value) => idle.env(name, value),
                None => idle.env_remove(name),
            };
        }
        Ok(Self { child: spawn(idle)? })
    }

    /// Waits for it and makes `target/dist/steadfast` and its checksum of it.
    pub(crate) fn finish(mut self) -> Result<()> {
        let status = self.child.wait()?;
        ensure!(status.success(), "the build of the static program ended with {status}");
        let built = root().join("target").join(triple()).join("release/steadfast");
        let built = built.to_str().context("the path is UTF-8")?;
        ensure_static(built)?;
        fs::create_dir_all(folder())?;
        run(program("strip", &["-o", "target/dist/steadfast", built]))?;
        let mut sum = program("sha256sum", &["steadfast"]);
        let sum = sum.current_dir(folder()).output().context("start sha256sum")?;
        ensure!(sum.status.success(), "sha256sum ended with {}", sum.status);
        fs::write(folder().join("steadfast.sha256"), &sum.stdout)?;
        let size = fs::metadata(binary())?.len();
        say(&format!("target/dist/steadfast  {size} bytes, static, for {}", triple()));
        say(&format!(
            "sha256 {}",
            String::from_utf8_lossy(&sum.stdout).split_whitespace().next().unwrap_or("?")
        ));
        Ok(())
    }
}

impl Drop for Building {
    fn drop(&mut self) {
        // It has ended already, unless something before it failed. A compiler that it has started ends with its crate.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// With a target named, build scripts and macros are built for this machine as always.
const ARGUMENTS: [&str; 7] =
    ["build", "--release", "--quiet", "--locked", "--package", "steadfast", "--target"];

fn spawn(mut command: Command) -> Result<Child> {
    command.arg(triple()).env("RUSTFLAGS", "-C target-feature=+crt-static");
    command.spawn().with_context(|| format!("start {command:?}"))
}

fn triple() -> String {
    format!("{}-unknown-linux-gnu", std::env::consts::ARCH)
}

/// Runs the program in a bare root. Whatever was built last is checked.
pub(crate) fn check() -> Result<Checked> {
    let bare = match bare::make(&folder())? {
        Ok(bare) => bare,
        Err(why) => return Ok(Checked::Skipped(why)),
    };
    fs::copy(binary(), bare.path().join("usr/local/bin/steadfast")).context("copy the program")?;
    steps::run(bare.path())?;
    say("target/dist/steadfast works in a bare Debian root");
    Ok(Checked::Passed)
}

/// Neither a loader is asked for, nor may anything be called that would need one.
fn ensure_static(file: &str) -> Result<()> {
    let headers = program("readelf", &["--program-headers", "--wide", file]).output()?;
    let headers = String::from_utf8_lossy(&headers.stdout);
    ensure!(headers.contains("LOAD"), "readelf does not read {file}");
    ensure!(!headers.contains("INTERP"), "{file} asks for a loader: it is not static");
    let symbols = program("nm", &[file]).output()?;
    let symbols = String::from_utf8_lossy(&symbols.stdout);
    ensure!(symbols.lines().count() > 1000, "nm does not read {file}");
    let found = loaded_later(&symbols);
    ensure!(
        found.is_empty(),
        "{file} holds {}, which loads the C library of the machine it runs on: names of hosts are looked up by the crate `names`",
        found.join(", ")
    );
    Ok(())
}

fn loaded_later(symbols: &str) -> Vec<&'static str> {
    let names: Vec<&str> = symbols.lines().filter_map(|line| line.split_whitespace().next_back()).collect();
    LOADED_LATER.into_iter().filter(|name| names.contains(name)).collect()
}

fn folder() -> std::path::PathBuf {
    root().join("target/dist")
}

fn binary() -> impl AsRef<Path> {
    folder().join("steadfast")
}

fn say(line: &str) {
    #[expect(clippy::print_stdout, reason = "tells people what was made")]
    {
        println!("{line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_that_load_the_c_library_are_found_by_their_whole_name() {
        let warning =
            "0000000000000000 n __evoke_link_warning_getaddrinfo\n00000000016d9110 t _nss_files_getpwnam_r";
        assert!(loaded_later(warning).is_empty());
        for name in
            ["getaddrinfo", "getnameinfo", "getpwuid_r", "getgrouplist", "gethostbyaddr_r", "getservbyname_r"]
        {
            assert_eq!(loaded_later(&format!("{warning}\n00000000016ba410 t {name}\n")), [name]);
        }
    }
}

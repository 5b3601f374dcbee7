//! `cargo xtask dist`: the program as one static file that wants nothing from the machine it runs on.
//!
//! `--check` proves it: it makes a bare Debian root, copies that one file in, and runs it there. The root is made and
//! used in namespaces of its own and removed at the end.

use std::{fs, process::Command};

use anyhow::{Context, Result, bail, ensure};

use crate::{
    background::Background,
    program::{cargo, program, root, run},
    say::say,
};

pub(crate) mod bare;
pub(crate) mod mirror;
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

/// How much the compiler does for speed. The C library is linked alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    Release,
    /// As tests are built: in a third of the time.
    Unoptimised,
}

/// Builds, and checks when asked to. A check that cannot be done here is a failure for whoever asked for it.
pub(crate) fn dist(arguments: &DistArguments) -> Result<()> {
    let profile = Profile::Release;
    Building { compiler: Background::start(compiler(profile))?, profile }.finish()?;
    if arguments.check
        && let Checked::Skipped(why) = Checking::begin(profile)?.finish()?
    {
        bail!("the check cannot be done here: {why}");
    }
    Ok(())
}

/// A build under way.
pub(crate) struct Building {
    compiler: Background,
    profile: Profile,
}

impl Building {
    /// Begins one that has processors only while nothing else wants them.
    pub(crate) fn in_the_background(profile: Profile) -> Result<Self> {
        Ok(Self { compiler: Background::start_idle(&compiler(profile))?, profile })
    }

    /// Waits for it and makes the program and its checksum of it.
    pub(crate) fn finish(self) -> Result<()> {
        self.compiler.finish()?;
        let built = root().join("target").join(triple()).join(self.profile.built());
        let built = built.to_str().context("the path is UTF-8")?;
        ensure_static(built)?;
        let folder = root().join(self.profile.folder());
        fs::create_dir_all(&folder)?;
        let made = format!("{}/steadfast", self.profile.folder());
        run(program("strip", &["-o", &made, built]))?;
        let sum =
            program("sha256sum", &["steadfast"]).current_dir(&folder).output().context("start sha256sum")?;
        ensure!(sum.status.success(), "sha256sum ended with {}", sum.status);
        fs::write(folder.join("steadfast.sha256"), &sum.stdout)?;
        say(&format!("{made}  {} bytes, static, for {}", fs::metadata(root().join(&made))?.len(), triple()));
        let sum = String::from_utf8_lossy(&sum.stdout);
        say(&format!("sha256 {}", sum.split_whitespace().next().unwrap_or("?")));
        Ok(())
    }
}

impl Profile {
    /// Where cargo puts the program, below the folder of the machine it is for.
    fn built(self) -> &'static str {
        match self {
            Self::Release => "release/steadfast",
            Self::Unoptimised => "debug/steadfast",
        }
    }

    /// Where it is put. What nobody should hand out is not where that lies which may be.
    fn folder(self) -> &'static str {
        match self {
            Self::Release => "target/dist",
            Self::Unoptimised => "target/dist/unoptimised",
        }
    }
}

fn compiler(profile: Profile) -> Command {
    // With a target named, build scripts and macros are built for this machine as always.
    let mut command =
        cargo(&["build", "--quiet", "--locked", "--package", "steadfast", "--target", &triple()]);
    if profile == Profile::Release {
        command.arg("--release");
    }
    command.env("RUSTFLAGS", "-C target-feature=+crt-static");
    command
}

fn triple() -> String {
    format!("{}-unknown-linux-gnu", std::env::consts::ARCH)
}

/// A check under way: the root that it needs is made.
pub(crate) struct Checking {
    profile: Profile,
    root: Result<bare::Making, String>,
}

impl Checking {
    /// Begins to make the bare root.
    pub(crate) fn begin(profile: Profile) -> Result<Self> {
        Ok(Self { profile, root: bare::begin(&root().join("target/dist"))? })
    }

    /// Runs the program in the bare root. Whatever was built last is checked.
    pub(crate) fn finish(self) -> Result<Checked> {
        let bare = match self.root.map(bare::Making::finish) {
            Ok(made) => made?,
            Err(why) => Err(why),
        };
        let bare = match bare {
            Ok(bare) => bare,
            Err(why) => return Ok(Checked::Skipped(why)),
        };
        let folder = root().join(self.profile.folder());
        fs::copy(folder.join("steadfast"), bare.path().join("usr/local/bin/steadfast"))
            .context("copy the program")?;
        steps::run(bare.path())?;
        say(&format!("{}/steadfast works in a bare Debian root", self.profile.folder()));
        Ok(Checked::Passed)
    }
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

//! Starting other programs: the one place of this crate that does.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use anyhow::{Context, Result, bail};

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("xtask lies in the root").to_owned()
}

/// A path as an argument of a program.
pub(crate) fn text(path: &Path) -> Result<&str> {
    path.to_str().context("the path is UTF-8")
}

/// Whether this is root.
pub(crate) fn is_root() -> Result<bool> {
    let id = program("id", &["-u"]).output().context("start id")?;
    Ok(id.stdout.trim_ascii() == b"0")
}

/// A program to be started in the repository's root.
#[expect(clippy::disallowed_methods, reason = "starting programs is what xtask is for")]
pub(crate) fn program(name: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(name);
    command.args(arguments).current_dir(root());
    command
}

/// What cargo tells the program it runs about its package. Some build scripts run again whenever it changes, and with them
/// all that needs them, so whoever types `cargo build` in between would wait for it each time.
const OUR_PACKAGE: [&str; 3] = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"];

/// The cargo that runs us.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = program(&std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()), arguments);
    for (name, _) in std::env::vars_os() {
        if OUR_PACKAGE.iter().any(|begin| name.to_string_lossy().starts_with(begin)) {
            command.env_remove(name);
        }
    }
    command
}

/// The program, built.
pub(crate) fn steadfast() -> Result<PathBuf> {
    if BUILT_WITH_TESTS.get().is_none() {
        run(cargo(&["build", "--quiet", "--locked", "--package", "steadfast"]))?;
    }
    Ok(root().join("target/debug/steadfast"))
}

/// Builds all tests, and with them the program. Alone it would be built anew, as its tests want more of the libraries.
pub(crate) fn build_tests() -> Result<()> {
    run(cargo(&["test", "--workspace", "--locked", "--no-run", "--quiet"]))?;
    BUILT_WITH_TESTS.get_or_init(|| ());
    Ok(())
}

static BUILT_WITH_TESTS: OnceLock<()> = OnceLock::new();

/// Runs to its end; fails when it does.
pub(crate) fn run(mut command: Command) -> Result<()> {
    let status = command.status().with_context(|| format!("start {command:?}"))?;
    if !status.success() {
        bail!("{command:?} ended with {status}");
    }
    Ok(())
}

/// Runs to its end, shows every line of standard output and gives each to `line`. Returns whether it succeeded.
#[expect(clippy::print_stdout, reason = "passes on what the program says")]
pub(crate) fn watch(mut command: Command, mut line: impl FnMut(&str)) -> Result<bool> {
    let mut child = command.stdout(Stdio::piped()).spawn().with_context(|| format!("start {command:?}"))?;
    let stdout = child.stdout.take().context("its output is piped")?;
    for text in BufReader::new(stdout).lines() {
        let text = text?;
        println!("{text}");
        line(&text);
    }
    Ok(child.wait()?.success())
}

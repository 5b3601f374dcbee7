//! `cargo xtask fuzz`: searches for inputs that break a property of a parser.
//!
//! The properties are those of `crates/properties`, which `cargo xtask test` checks with the seeds and changed seeds. Here
//! libFuzzer changes them, guided by what code they reach. It needs a nightly toolchain, so it is no part of the tests.
//! An input that breaks a property is kept in `target/fuzz/found` and tried again first, until it breaks nothing.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context, Result, bail, ensure};

use crate::{
    program::{cargo, program, root, run, text},
    say::say,
    tools,
};

mod said;
mod toolchain;

use said::Said;

/// Bytes of the longest input that is tried.
const LONGEST: u32 = 16 * 1024;
/// The longest one input may take, in seconds, sanitizer and all.
const PATIENCE: u32 = 10;
/// The most memory, in MiB: of the process, and of one allocation.
const MEMORY: (u32, u32) = (2_048, 512);

/// What to search, for how long.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct FuzzArguments {
    /// Only these targets; all of `fuzz/targets` when none is named
    target: Vec<String>,
    /// Seconds for each target
    #[arg(long, default_value_t = 60)]
    seconds: u32,
}

/// Builds, searches one target after the other, and fails when anything was found.
pub(crate) fn fuzz(arguments: &FuzzArguments) -> Result<()> {
    let all = targets()?;
    for name in &arguments.target {
        ensure!(all.contains(name), "there is no target `{name}`; there are {}", all.join(", "));
    }
    let wanted = if arguments.target.is_empty() { &all } else { &arguments.target };
    let toolchain = toolchain::nightly()?;
    let folder = root().join("target/fuzz");
    build(&toolchain, wanted)?;
    run(cargo(&["build", "--quiet", "--locked", "--package", "steadfast-properties", "--example", "seeds"]))?;
    let mut found = Vec::new();
    let mut lines = vec![format!(
        "{:10} {:>12} {:>9} {:>9} {:>8} {:>9}",
        "target", "executions", "a second", "coverage", "inputs", "findings"
    )];
    for name in wanted {
        say(&format!("== {name}: {} s", arguments.seconds));
        let said = search(&folder, name, arguments.seconds)?;
        lines.push(said.line(name, arguments.seconds));
        found.extend(said.finding.map(|finding| format!("{name}: {finding}")));
    }
    lines.iter().for_each(|line| say(line));
    if !found.is_empty() {
        bail!("{}", found.join("\n"));
    }
    Ok(())
}

/// The targets: one file each.
fn targets() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(root().join("fuzz/targets"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            names.push(path.file_stem().context("a file has a name")?.to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// With the address sanitizer, which also sees how much memory is asked for.
fn build(toolchain: &str, wanted: &[String]) -> Result<()> {
    say("building the fuzz targets; the first time takes some minutes");
    let tool = tools::FUZZ.path()?;
    let tool = tool.to_str().context("the path is UTF-8")?;
    let all = [String::new()];
    // Without a name it builds all, and only then at the same time.
    let wanted = if wanted.len() == 1 { wanted } else { &all[..] };
    for name in wanted {
        let mut command = program(tool, &["build", "--fuzz-dir", "fuzz", "--target-dir", "target/fuzz"]);
        if !name.is_empty() {
            command.arg(name);
        }
        // The cargo that runs us belongs to another toolchain.
        run({
            command.env("RUSTUP_TOOLCHAIN", toolchain).env_remove("CARGO");
            command
        })?;
    }
    Ok(())
}

/// Searches one target. What it says goes to a file.
fn search(folder: &Path, name: &str, seconds: u32) -> Result<Said> {
    let [corpus, seeds, found] = ["corpus", "seeds", "found"].map(|kind| folder.join(kind).join(name));
    for place in [&corpus, &found] {
        fs::create_dir_all(place)?;
    }
    let seeder = root().join("target/debug/examples/seeds");
    run(program(text(&seeder)?, &[name, text(&seeds)?]))?;
    let log = folder.join(format!("{name}.log"));
    let target = format!("{}-unknown-linux-gnu/release/{name}", std::env::consts::ARCH);
    let mut command = program(text(&folder.join(target))?, &[text(&corpus)?, text(&seeds)?, text(&found)?]);
    command
        .arg(format!("-artifact_prefix={}/", text(&found)?))
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-timeout={PATIENCE}"))
        .arg(format!("-rss_limit_mb={}", MEMORY.0))
        .arg(format!("-malloc_limit_mb={}", MEMORY.1))
        .arg(format!("-max_len={LONGEST}"))
        .arg("-print_final_stats=1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::create(&log)?);
    let ended = command.status().with_context(|| format!("start {command:?}"))?;
    let said = Said::read(&String::from_utf8_lossy(&fs::read(&log)?), ended.success());
    if said.finding.is_some() {
        say(&format!("everything it said: {}", relative(&log).display()));
    }
    Ok(said)
}

fn relative(path: &Path) -> PathBuf {
    path.strip_prefix(root()).unwrap_or(path).to_owned()
}

//! `cargo xtask test`: everything a change must pass, in the order that fails fastest.

use std::{
    fs,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::{
    background::Background,
    dist::{Building, Checked, Checking, Profile},
    program::{build_tests, cargo, program, root, run},
    say::say,
    tools::DENY,
};

mod expected;
mod seen;
mod suites;

use expected::Expected;
pub(crate) use seen::Seen;
pub(crate) use suites::{Suite, all as suites};

/// What is tried is how the program is linked, not how fast it is: `cargo xtask dist --check` tries what is handed out.
const STATIC: Profile = Profile::Unoptimised;

/// The step that needs root, debootstrap and a Debian mirror.
const BARE_ROOT: &str = "bare Debian root";

/// Runs every step; stops at the first that fails.
pub(crate) fn test() -> Result<()> {
    let mut steps = Steps::default();
    steps.step("format", || run(cargo(&["fmt", "--all", "--check"])))?;
    steps.step("tests, built", build_tests)?;
    steps.step("tidy", crate::tidy)?;
    steps.step("lints", || {
        run(cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--quiet", "--", "-D", "warnings"]))
    })?;
    steps.step("tests", tests)?;
    // What comes after the tests mostly waits, and nothing in it depends on how fast it is.
    let building = Building::in_the_background(STATIC)?;
    let deny = DENY.in_the_background()?;
    let checking = Checking::begin(STATIC)?;
    steps.step("crash sample", crate::crash::sample)?;
    steps.step("docs", docs)?;
    steps.step("static program", || building.finish())?;
    steps.step("dependency rules", || {
        deny.map_or(Ok(()), Background::finish)?;
        dependency_rules()
    })?;
    let mut skipped = None;
    steps.step(BARE_ROOT, || {
        skipped = bare_root(checking)?;
        Ok(())
    })?;
    steps.report();
    if let Some(why) = skipped {
        say(&format!("skipped: {BARE_ROOT}: {why}"));
    }
    Ok(())
}

/// The one step that may be skipped where it cannot be done, when the list allows it. Why it was.
fn bare_root(checking: Checking) -> Result<Option<String>> {
    let Checked::Skipped(why) = checking.finish()? else { return Ok(None) };
    if !expected()?.may_skip(BARE_ROOT) {
        bail!("skipped ({why}) but not on the list (xtask/expected-tests.txt)");
    }
    Ok(Some(why))
}

fn expected() -> Result<Expected> {
    Expected::read(&fs::read_to_string(root().join("xtask/expected-tests.txt"))?)
}

/// How long each step took.
#[derive(Default)]
struct Steps(Vec<(&'static str, Duration)>);

impl Steps {
    #[expect(
        clippy::disallowed_methods,
        reason = "how long a step takes is for people, nothing depends on it"
    )]
    fn step(&mut self, name: &'static str, work: impl FnOnce() -> Result<()>) -> Result<()> {
        say(&format!("== {name}"));
        let begun = Instant::now();
        work().with_context(|| format!("step `{name}`"))?;
        self.0.push((name, begun.elapsed()));
        Ok(())
    }

    fn report(&self) {
        say("== all steps passed");
        for (name, took) in &self.0 {
            say(&format!("{name:18} {:5.0} s", took.as_secs_f64()));
        }
    }
}

/// All tests, and the assertion that they ran: a test that vanished or was switched off does not pass.
fn tests() -> Result<()> {
    let expected = expected()?;
    let skips = root().join("target/skipped-tests.txt");
    drop(fs::remove_file(&skips));
    let mut seen = Seen::default();
    let failed = suites::run_all(&skips, &mut seen)?;
    seen.skipped_at_run_time(&fs::read_to_string(&skips).unwrap_or_default());
    if !failed.is_empty() {
        bail!("{} tests failed, in {}", seen.failed, failed.join(", "));
    }
    let problems = expected.compare(seen.run, &seen.skipped);
    if !problems.is_empty() {
        bail!("{}", problems.join("\n"));
    }
    say(&format!("{} passed, 0 failed, {} skipped", seen.passed, seen.skipped.len()));
    Ok(())
}

fn docs() -> Result<()> {
    let mut command = cargo(&["doc", "--workspace", "--no-deps", "--locked", "--quiet"]);
    command.env("RUSTDOCFLAGS", "-D warnings");
    run(command)
}

/// Licences, bans and sources of all dependencies.
fn dependency_rules() -> Result<()> {
    let deny = DENY.path()?;
    let deny = deny.to_str().context("the path is UTF-8")?;
    run(program(deny, &["--log-level", "error", "check", "bans", "licenses", "sources"]))
}

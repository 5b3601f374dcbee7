//! The test programs that cargo builds, and in which order they run.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread,
};

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::Value;

use super::seen::Seen;
use crate::{
    program::{cargo, program, watch},
    say::say,
};

/// These two take longest, last, and mostly wait: one for its experiments, the other for a demo after another. Beside
/// each other they take the time of the longer. What they measure suffers only from what computes.
const BESIDE_EACH_OTHER: [&str; 2] = ["cli", "demo"];

/// One test program.
#[derive(Debug)]
pub(crate) struct Suite {
    pub(crate) name: String,
    pub(crate) executable: PathBuf,
    /// The folder of its package, in which it expects to be started.
    pub(crate) folder: PathBuf,
}

/// Runs all of them and the tests in the documentation; `skips` takes down what was skipped. Which ones failed.
pub(super) fn run_all(skips: &Path, seen: &mut Seen) -> Result<Vec<String>> {
    let mut failed = Vec::new();
    let (beside, alone): (Vec<_>, Vec<_>) =
        all()?.into_iter().partition(|suite| BESIDE_EACH_OTHER.contains(&suite.name.as_str()));
    ensure!(beside.len() == BESIDE_EACH_OTHER.len(), "not {BESIDE_EACH_OTHER:?} but {beside:?}");
    let mut one = |name: &str, mut command: Command, seen: &mut Seen| -> Result<()> {
        command.env("STEADFAST_SKIPPED_TESTS", skips);
        if !watch(command, |line| seen.line(line))? {
            failed.push(name.to_owned());
        }
        Ok(())
    };
    for suite in &alone {
        suite.say_that_it_runs();
        one(&suite.name, suite.command(), seen)?;
    }
    one("documentation", cargo(&["test", "--workspace", "--locked", "--doc", "--no-fail-fast"]), seen)?;

    let [quiet, shown] = &beside[..] else { return Err(anyhow!("two run beside each other")) };
    beside.iter().for_each(Suite::say_that_it_runs);
    let output = thread::scope(|scope| {
        let mut command = quiet.command();
        command.env("STEADFAST_SKIPPED_TESTS", skips).stderr(Stdio::inherit());
        let running = scope.spawn(move || command.output());
        one(&shown.name, shown.command(), seen)?;
        running
            .join()
            .map_err(|_| anyhow!("the thread that waits for `{}` panicked", quiet.name))?
            .context("start it")
    })?;
    std::io::stdout().write_all(&output.stdout)?;
    if !told(&output, seen) {
        failed.push(quiet.name.clone());
    }
    Ok(failed)
}

/// Counts what a program said that ran in silence. Whether it succeeded.
fn told(output: &Output, seen: &mut Seen) -> bool {
    String::from_utf8_lossy(&output.stdout).lines().for_each(|line| seen.line(line));
    output.status.success()
}

impl Suite {
    fn command(&self) -> Command {
        let mut command = program(&self.executable.to_string_lossy(), &[]);
        command.current_dir(&self.folder).env("CARGO_MANIFEST_DIR", &self.folder);
        command
    }

    fn say_that_it_runs(&self) {
        say(&format!("-- {} of {}", self.name, self.folder.display()));
    }
}

/// All that there are, as cargo lists what it has built.
pub(crate) fn all() -> Result<Vec<Suite>> {
    let arguments = ["test", "--workspace", "--locked", "--no-run", "--quiet", "--message-format", "json"];
    let output = cargo(&arguments).stderr(Stdio::inherit()).output().context("start cargo")?;
    ensure!(output.status.success(), "cargo ended with {}", output.status);
    let mut suites = Vec::new();
    for line in String::from_utf8(output.stdout)?.lines() {
        suites.extend(suite(&serde_json::from_str(line).with_context(|| format!("cargo said `{line}`"))?));
    }
    ensure!(!suites.is_empty(), "cargo built no tests");
    suites.sort_by(|one, other| one.folder.cmp(&other.folder).then_with(|| one.name.cmp(&other.name)));
    Ok(suites)
}

/// The test program that a message of cargo tells of, if it does.
fn suite(message: &Value) -> Option<Suite> {
    let is_test = message["reason"] == "compiler-artifact" && message["profile"]["test"] == true;
    let text = |value: &Value| value.as_str().filter(|_| is_test).map(str::to_owned);
    Some(Suite {
        name: text(&message["target"]["name"])?,
        executable: text(&message["executable"])?.into(),
        folder: Path::new(&text(&message["manifest_path"])?).parent()?.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_built_to_test_is_a_suite() {
        let message = |test: bool, executable: Value| {
            serde_json::json!({
                "reason": "compiler-artifact", "manifest_path": "/x/crates/a/Cargo.toml", "executable": executable,
                "target": { "name": "cli", "kind": ["test"] }, "profile": { "test": test },
            })
        };
        let found = suite(&message(true, "/x/target/cli-1".into())).unwrap();
        assert_eq!((&*found.name, &*found.folder), ("cli", Path::new("/x/crates/a")));
        assert!(suite(&message(true, Value::Null)).is_none());
        assert!(suite(&message(false, "/x/target/steadfast".into())).is_none());
        assert!(suite(&serde_json::json!({ "reason": "build-finished", "success": true })).is_none());
    }

    #[test]
    fn what_ran_in_silence_is_counted() {
        let mut seen = Seen::default();
        let output =
            program("sh", &["-c", "echo 'test result: ok. 3 passed; 1 failed; 0 ignored;'; exit 101"])
                .output();
        assert!(!told(&output.unwrap(), &mut seen));
        assert_eq!((seen.passed, seen.failed), (3, 1));
    }
}

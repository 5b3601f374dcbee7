//! One round: start everything, kill at one system call, look.

use std::{
    fs,
    os::unix::{fs::PermissionsExt, process::ExitStatusExt},
    path::{Path, PathBuf},
    process::{Child, Command},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};

use super::{
    Case, Victim,
    calls::Call,
    scene::{Scene, quiet, state},
    wait,
};
use crate::program::program;

/// How long the fault would last by itself. Long enough for its effect, short enough for many rounds.
const FAULT: &str = "300ms";
/// The longest a revert may take once somebody is there to do it.
pub(super) const PATIENCE: Duration = Duration::from_secs(25);

/// A reaper that wakes up late has no time to act between the injector's death and its own: they die together. Stopping
/// it instead would not do, as the injector replaces a reaper that is stopped.
const SLOW: [&str; 7] =
    ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=epoll_wait:delay_exit=250000"];

/// Everything of one round, in a folder of its own.
pub(super) struct Round<'a> {
    pub(super) case: &'a Case,
    victim: Victim,
    pub(super) binary: &'a Path,
    pub(super) folder: tempfile::TempDir,
}

/// How a round ended.
pub(super) struct End {
    /// Whether the system call was reached.
    pub(super) killed: bool,
    /// What was left behind.
    pub(super) leaks: Vec<String>,
}

impl<'a> Round<'a> {
    pub(super) fn new(case: &'a Case, victim: Victim, binary: &'a PathBuf) -> Result<Self> {
        // Not in /tmp, which may be in memory: the ledger refuses that.
        let folders = crate::program::root().join("target/crash");
        fs::create_dir_all(&folders)?;
        // Closed to others, or a proxy would refuse to put its control socket there.
        let mode = fs::Permissions::from_mode(0o700);
        let folder = tempfile::Builder::new().prefix("r").permissions(mode).tempdir_in(folders)?;
        Ok(Self { case, victim, binary, folder })
    }

    /// Lets strace kill the victim at this system call.
    pub(super) fn kill_at(&self, call: &Call) -> Result<End> {
        let inject = format!("inject={}:signal=KILL:when={}", call.name, call.number);
        let strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", &inject].map(str::to_owned);
        self.play(&strace)
    }

    /// Lets strace write every system call of the victim to `log`.
    pub(super) fn trace(&self, log: &Path) -> Result<()> {
        let log = log.to_str().context("the path is UTF-8")?;
        // A worker that computes asks for the time thousands of times, which would leave little choice for the rest.
        let strace = ["strace", "-f", "-qq", "-e", "trace=!clock_gettime", "-o", log].map(str::to_owned);
        let end = self.play(&strace)?;
        ensure!(end.leaks.is_empty(), "without any kill: {}", end.leaks.join(", "));
        Ok(())
    }

    fn play(&self, strace: &[String]) -> Result<End> {
        if self.victim == Victim::Takeover {
            return self.take_over(strace);
        }
        let wrap_if = |victim: Victim, words: &mut Vec<String>| {
            if self.victim == victim || (victim == Victim::Injector && self.victim == Victim::Both) {
                words.splice(0..0, strace.iter().cloned());
            }
        };
        let folder = self.folder.path();
        let mut scene = Scene::start(self.case, self.binary, folder, |words| wrap_if(Victim::Proxy, words))?;
        let mut reaper = self.start(&["reaper"], |words| {
            wrap_if(Victim::Reaper, words);
            if self.victim == Victim::Both {
                words.splice(0..0, SLOW.map(str::to_owned));
            }
        })?;
        self.wait_for_reaper(&mut reaper)?;
        let mut injector = self.inject(&scene, FAULT, |words| wrap_if(Victim::Injector, words))?;
        let ended = wait::until(PATIENCE, || matches!(injector.try_wait(), Ok(Some(_))));
        if !ended {
            drop(injector.kill());
            drop(injector.wait());
            self.end_reaper(&mut reaper);
            return Ok(End { killed: true, leaks: vec!["the injector did not end".to_owned()] });
        }
        let end = injector.wait()?;
        // strace ends the way its program did.
        let injector_died = end.signal() == Some(9);
        let mut leaks = Vec::new();
        // 2: no effect was seen, which in so short a time says nothing.
        let fine = end.success() || end.code() == Some(2);
        // strace follows the injector's worker too, and may have struck there: the injector notices and says so.
        let follows_worker = self.case.has_worker() && self.victim != Victim::Reaper;
        if !injector_died && !fine && self.victim != Victim::Proxy && !follows_worker {
            leaks.push(format!("the injector ended with {end}"));
        }
        let killed = match self.victim {
            Victim::Injector => injector_died || (follows_worker && !fine),
            Victim::Reaper => {
                if injector_died {
                    leaks.push("the injector did not survive the death of the reaper".to_owned());
                }
                wait::until(Duration::from_millis(200), || matches!(reaper.try_wait(), Ok(Some(_))))
            }
            Victim::Proxy => scene.target_ended(),
            Victim::Takeover => unreachable!("played by itself"),
            Victim::Both => {
                signal(self.reaper_pid()?, "KILL")?;
                drop(reaper.wait());
                leaks.extend(self.recover()?);
                injector_died
            }
        };
        // Once `recover` has said that it is done, there is nothing left to wait for.
        let patience = if self.victim == Victim::Both { Duration::from_secs(1) } else { PATIENCE };
        if !wait::until(patience, || self.look(&mut scene).is_empty()) {
            leaks.extend(self.look(&mut scene));
        }
        self.end_reaper(&mut reaper);
        Ok(End { killed, leaks })
    }

    /// Calls `steadfast recover`; what is wrong with how it ended.
    pub(super) fn recover(&self) -> Result<Option<String>> {
        let recover = self.start(&["recover"], |_| ())?.wait()?;
        Ok((!recover.success()).then(|| format!("`steadfast recover` ended with {recover}")))
    }

    /// Injects, kills injector and reaper while the fault is in place, calls nobody, and says whether that shows.
    pub(super) fn left_alone_shows_a_difference(&self) -> Result<bool> {
        let folder = self.folder.path();
        let mut scene = Scene::start(self.case, self.binary, folder, |_| ())?;
        let mut reaper = self.start(&["reaper"], |_| ())?;
        self.wait_for_reaper(&mut reaper)?;
        let mut injector = self.inject(&scene, "60s", |_| ())?;
        // A killed process stays killed: that is its difference, and there is nothing to hold on to.
        let one_shot = !self.case.reversible();
        let mut differs = || {
            if one_shot {
                scene.target_ended()
            } else {
                !scene.differences(self.case, folder, true).is_empty()
            }
        };
        let shown = wait::until(PATIENCE, &mut differs);
        // A stopped injector cannot start another reaper when this one dies. One that has ended needs no stopping.
        drop(signal(injector.id(), "STOP"));
        self.end_reaper(&mut reaper);
        drop(injector.kill());
        drop(injector.wait());
        // What a worker holds by descriptor goes with its injector; then only the ledger still has to be put right.
        let still = self.case.has_worker() || differs();
        Ok(shown && still && (one_shot || !self.live_injections()?.is_empty()))
    }

    /// What is left behind right now.
    pub(super) fn look(&self, scene: &mut Scene) -> Vec<String> {
        let mut leaks = scene.differences(self.case, self.folder.path(), self.victim == Victim::Proxy);
        match self.live_injections() {
            Ok(live) => leaks.extend(live.into_iter().map(|name| format!("the ledger still holds {name}"))),
            Err(error) => leaks.push(format!("the ledger cannot be read: {error}")),
        }
        if self.case.has_worker() {
            leaks.extend(workers(&self.state()).map(|pid| format!("worker {pid} is still there")));
        }
        leaks
    }

    pub(super) fn live_injections(&self) -> Result<Vec<String>> {
        let Ok(entries) = fs::read_dir(self.state().join("ledger")) else { return Ok(Vec::new()) };
        let mut live = Vec::new();
        for entry in entries {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name.ends_with(".jsonl") {
                live.push(name);
            }
        }
        Ok(live)
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    pub(super) fn inject(
        &self,
        scene: &Scene,
        duration: &str,
        wrap: impl FnOnce(&mut Vec<String>),
    ) -> Result<Child> {
        let (fault, parameters) = (self.case.fault, &scene.parameters(self.case));
        let into = scene.target_words(self.folder.path());
        let words =
            ["fault", "try", fault, "--with", parameters, "--into", &into, "--for", duration, "--yes"];
        self.start(&words, wrap)
    }

    pub(super) fn start(&self, words: &[&str], wrap: impl FnOnce(&mut Vec<String>)) -> Result<Child> {
        let binary = self.binary.to_str().context("the path is UTF-8")?;
        let mut line: Vec<String> =
            std::iter::once(binary).chain(words.iter().copied()).map(str::to_owned).collect();
        wrap(&mut line);
        let arguments: Vec<&str> = line.iter().skip(1).map(String::as_str).collect();
        let mut command: Command = quiet(program(&line[0], &arguments));
        command.env("STEADFAST_STATE_DIR", self.state());
        command.spawn().with_context(|| format!("start {line:?}"))
    }

    /// One that is killed on its way to its seat is waited for no longer: the injector must start another.
    pub(super) fn wait_for_reaper(&self, reaper: &mut Child) -> Result<()> {
        let sits_or_died = || self.reaper_pid().is_ok() || matches!(reaper.try_wait(), Ok(Some(_)));
        ensure!(wait::until(PATIENCE, sits_or_died), "the reaper did not start");
        Ok(())
    }

    /// The reaper's number, from its lock file.
    fn reaper_pid(&self) -> Result<u32> {
        let text = fs::read_to_string(self.state().join("reaper.lock"))?;
        let value: serde_json::Value = serde_json::from_str(&text)?;
        let pid = value["pid"].as_u64().or_else(|| value["identity"]["pid"].as_u64());
        let Some(pid) = pid.and_then(|pid| u32::try_from(pid).ok()) else {
            bail!("the lock names no process")
        };
        Ok(pid)
    }

    /// Ends whichever reaper there is now: the first may have been replaced.
    pub(super) fn end_reaper(&self, first: &mut Child) {
        if let Ok(pid) = self.reaper_pid()
            && state(pid).is_some()
            && is_ours(pid, &self.state())
        {
            drop(signal(pid, "KILL"));
        }
        drop(first.kill());
        drop(first.wait());
    }
}

/// The processes that hold faults for this state directory.
pub(super) fn workers(state: &Path) -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten();
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let is_worker = |pid: &u32| {
        let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        command
            .split(|byte| *byte == 0)
            .any(|word| [&b"network-worker"[..], b"stress-worker", b"file-worker"].contains(&word))
    };
    pids.filter(is_worker).filter(|pid| is_ours(*pid, state))
}

/// Whether a process was started for this state directory: a number alone may belong to somebody else by now.
fn is_ours(pid: u32, state: &Path) -> bool {
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let needle = state.as_os_str().as_encoded_bytes();
    [environment, command].iter().any(|bytes| bytes.windows(needle.len()).any(|window| window == needle))
}

pub(super) fn signal(pid: u32, name: &str) -> Result<()> {
    let status = quiet(program("kill", &[&format!("-{name}"), &pid.to_string()])).status()?;
    ensure!(status.success(), "send {name} to {pid}");
    Ok(())
}

//! A state directory, a target, and the programs that act on them.

use std::{
    ffi::OsString,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use steadfast_engine::host::InjectionOrder;
use steadfast_faults::FaultSpec;
use steadfast_host::{LocalHost, LocalHostOptions, Status, Timing};
use steadfast_ledger::{Ledger, StateDir};
use steadfast_linux::{ProcessHandle, SystemClock, identify};
use steadfast_model::{
    Binding, InjectionId, ProcessIdentity, ResolvedTarget, process::Signal, target::ResolvedProcess,
};
use steadfast_testkit::{Sleeper, durable_dir};
use tempfile::TempDir;

use crate::roles::{ROLE, ROLES_TEST};

/// Long enough for a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The usual limits, and quick looks.
pub(crate) fn lively() -> Timing {
    Timing {
        watch: Duration::from_millis(50),
        reaper_look: Duration::from_millis(20),
        reaper_linger: Duration::from_millis(300),
        undo_pause: Duration::from_millis(10),
        reaper_undo_pause: Duration::from_millis(10),
        patience: PATIENCE,
        ..Timing::default()
    }
}

/// One test's own world.
///
/// A host made by [`Stage::host`] injects from this very process: keep its leases and deadlines long, as the reaper
/// ends those that overstay.
pub(crate) struct Stage {
    pub(crate) directory: TempDir,
    pub(crate) timing: Timing,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self { directory: durable_dir(), timing: lively() }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("state")
    }

    pub(crate) fn state(&self) -> StateDir {
        StateDir::open(&self.path()).unwrap()
    }

    pub(crate) fn ledger(&self) -> Ledger {
        Ledger::new(self.state())
    }

    pub(crate) fn host(&self) -> LocalHost {
        self.host_with(Binding::default(), role_command("reaper", &self.path(), self.timing))
    }

    pub(crate) fn host_with(&self, binding: Binding, reaper: Vec<OsString>) -> LocalHost {
        let timing = self.timing;
        let host = LocalHost::new(LocalHostOptions { state: self.state(), binding, reaper, timing }).unwrap();
        let host = host.with_worker(worker_command(&self.path(), timing));
        let host = host.with_stress_worker(stress_worker_command(&self.path(), timing));
        host.with_file_worker(file_worker_command(&self.path(), timing))
    }

    pub(crate) fn status(&self) -> Status {
        steadfast_host::status(&self.state(), &SystemClock::new().unwrap()).unwrap()
    }

    pub(crate) async fn recover(&self) -> steadfast_host::Recovery {
        let clock = Arc::new(SystemClock::new().unwrap());
        steadfast_host::recover(&self.state(), clock, self.timing).await.unwrap()
    }

    pub(crate) fn reaper(&self) -> Option<ProcessIdentity> {
        steadfast_host::reaper::seat::occupant(&self.state()).map(|reaper| reaper.identity().clone())
    }

    /// An injector of its own process that has paused `target`.
    pub(crate) fn injector(&self, target: &Sleeper, duration: Duration) -> Injector {
        let mut injector =
            Injector::start("injector", self, &[target.pid().to_string(), duration.as_millis().to_string()]);
        assert_eq!(injector.hear(), "injected");
        assert_eq!(target.state(), Some('T'));
        injector
    }
}

impl Drop for Stage {
    /// Waits for a reaper of this stage, which would otherwise sit in a directory that is gone.
    fn drop(&mut self) {
        let Ok(state) = StateDir::open(&self.path()) else { return };
        if let Some(reaper) = steadfast_host::reaper::seat::occupant(&state) {
            drop(reaper.signal(Signal::Kill));
            drop(reaper.ends_within(PATIENCE));
        }
    }
}

/// A process of this test program in another role.
pub(crate) struct Injector {
    child: Child,
    said: BufReader<std::process::ChildStdout>,
    orders: Option<ChildStdin>,
}

impl Injector {
    pub(crate) fn start(role: &str, stage: &Stage, arguments: &[String]) -> Self {
        Self::start_with_words(role, stage, arguments, &[])
    }

    /// With words on its command line that name no test.
    pub(crate) fn start_with_words(role: &str, stage: &Stage, arguments: &[String], words: &[&str]) -> Self {
        let mut command = role_command(role, &stage.path(), stage.timing);
        command.extend(words.iter().map(Into::into));
        #[expect(clippy::disallowed_methods, reason = "an injector of its own")]
        let mut command_line = Command::new(&command[0]);
        command_line.args(&command[1..]).env("ARGUMENTS", arguments.join(" "));
        let mut child = command_line.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        let orders = child.stdin.take();
        Self { child, said, orders }
    }

    /// The next thing it says, what the test's frame says aside.
    pub(crate) fn hear(&mut self) -> String {
        loop {
            let mut line = String::new();
            assert!(self.said.read_line(&mut line).unwrap() > 0, "it ended without a word");
            if let Some((_, said)) = line.trim().split_once("says: ") {
                return said.to_owned();
            }
        }
    }

    pub(crate) fn order(&mut self, what: &str) {
        writeln!(self.orders.as_mut().unwrap(), "{what}").unwrap();
    }

    pub(crate) fn handle(&self) -> ProcessHandle {
        ProcessHandle::open(&identify(self.child.id()).unwrap().unwrap()).unwrap().unwrap()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        assert!(self.handle().signal(signal).unwrap());
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn wait(&mut self) -> std::process::ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Injector {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What starts this program in a role. The environment is set by `env`, as a detached program inherits none.
pub(crate) fn role_command(role: &str, state: &Path, timing: Timing) -> Vec<OsString> {
    let set = |name: &str, value: &dyn AsRef<std::ffi::OsStr>| {
        let mut text = OsString::from(format!("{name}="));
        text.push(value.as_ref());
        text
    };
    let millis = |duration: Duration| duration.as_millis().to_string();
    vec![
        "/usr/bin/env".into(),
        set(ROLE, &role),
        set("STATE", &state),
        set("LEASE", &millis(timing.lease)),
        set("GRACE", &millis(timing.grace)),
        set("LINGER", &millis(timing.reaper_linger)),
        std::env::current_exe().unwrap().into(),
        "--exact".into(),
        ROLES_TEST.into(),
        "--nocapture".into(),
    ]
}

/// What starts this program as a worker: its answers go to descriptor 3, away from what the test's frame says.
pub(crate) fn worker_command(state: &Path, timing: Timing) -> Vec<OsString> {
    apart(role_command("worker", state, timing))
}

/// The same for a worker that makes load.
pub(crate) fn stress_worker_command(state: &Path, timing: Timing) -> Vec<OsString> {
    apart(role_command("stress-worker", state, timing))
}

/// The same for a worker that disturbs files.
pub(crate) fn file_worker_command(state: &Path, timing: Timing) -> Vec<OsString> {
    apart(role_command("file-worker", state, timing))
}

fn apart(command: Vec<OsString>) -> Vec<OsString> {
    let shell = ["/bin/sh", "-c", r#"exec "$@" 3>&1 >/dev/null"#, "sh"].map(OsString::from);
    shell.into_iter().chain(command).collect()
}

pub(crate) fn target_of(sleeper: &Sleeper) -> ResolvedTarget {
    let identity = identify(sleeper.pid()).unwrap().unwrap();
    ResolvedTarget::Process(ResolvedProcess::new(identity, "sleep"))
}

pub(crate) fn fault(json: &str) -> FaultSpec {
    serde_json::from_str(json).unwrap()
}

pub(crate) fn pause(target: ResolvedTarget, duration: Duration) -> InjectionOrder {
    InjectionOrder {
        injection: InjectionId::new(),
        run: None,
        fault: fault(r#"{"processPause":{}}"#),
        targets: vec![target],
        duration,
    }
}

/// Until `condition` holds.
pub(crate) async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let step = Duration::from_millis(5);
    let mut waited = Duration::ZERO;
    while !condition() {
        assert!(waited < PATIENCE, "never: {what}");
        tokio::time::sleep(step).await;
        waited += step;
    }
}

pub(crate) async fn runs_again(target: &Sleeper) {
    eventually("the target runs again", || target.runs()).await;
}

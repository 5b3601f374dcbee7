//! `up`, `down` and `status`: the system under a supervisor in the background, in a session of its own.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::Signal;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use super::state::State;
use super::{System, lock, log_end, log_path, ready};
use crate::client::Client;
use crate::config::{DemoConfig, write_json};
use crate::error::DemoError;
use crate::serve::stopped;
use crate::wire::Unfinished;

const LOOK_EVERY: Duration = Duration::from_millis(30);
const UP_WITHIN: Duration = Duration::from_secs(40);
const DOWN_WITHIN: Duration = Duration::from_secs(8);
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// What `status` shows.
#[derive(Debug, Clone, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// Does a supervisor live?
    pub running: bool,
    /// What it wrote last; none if nothing ever ran here.
    pub state: Option<State>,
    /// Which processes answer now, by name.
    pub answers: BTreeMap<String, bool>,
}

/// Runs the system in this process until SIGTERM or SIGINT, in a session of its own: what `up` starts.
pub async fn supervise(config: &DemoConfig) -> Result<(), DemoError> {
    // Fails only if this process already leads a group, and then nothing else needs to be done.
    rustix::process::setsid().ok();
    let stopped = stopped(false)?;
    tokio::pin!(stopped);
    let system = tokio::select! {
        // Dropping a half-started system kills what it started.
        () = &mut stopped => return Ok(()),
        system = System::start(config) => system?,
    };
    stopped.await;
    system.stop().await;
    Ok(())
}

/// Starts a supervisor in the background and returns when every process answers. `supervisor_command` is a program with
/// its first arguments; `--config FILE` is appended, and it calls [`supervise`] with [`DemoConfig::read`] of that file.
pub async fn up(config: &DemoConfig, supervisor_command: &[String]) -> Result<State, DemoError> {
    let dir = &config.state_dir;
    // Refuses if one runs already, and makes the directory. Given up for the supervisor to take.
    drop(lock::Lock::take(dir).await?);
    let logs = dir.join("logs");
    std::fs::create_dir_all(&logs).map_err(DemoError::io("create", &logs))?;
    let file = dir.join("supervisor.json");
    write_json(&file, config)?;
    let log_file = log_path(dir, "supervisor");
    let log = File::create(&log_file).map_err(DemoError::io("create", &log_file))?;
    let (program, arguments) = supervisor_command.split_first().ok_or_else(|| DemoError::Setting {
        doing: "start the supervisor".into(),
        reason: "the command is empty".into(),
    })?;
    let failed = |source| DemoError::Io { doing: "start the supervisor".into(), source };
    let mut supervisor = Command::new(program)
        .args(arguments)
        .arg("--config")
        .arg(&file)
        .stdin(Stdio::null())
        .stdout(log.try_clone().map_err(failed)?)
        .stderr(log)
        .spawn()
        .map_err(failed)?;
    let state = until_ready(dir, &mut supervisor).await;
    if state.is_err() {
        // Its children end with it.
        supervisor.kill().await.ok();
    }
    state
}

async fn until_ready(state_dir: &Path, supervisor: &mut Child) -> Result<State, DemoError> {
    let deadline = Instant::now() + UP_WITHIN;
    let not_ready = |reason| DemoError::NotReady { name: "the supervisor".into(), reason };
    loop {
        if let Ok(state) = State::read(state_dir)
            && state.ready
            && state.supervisor.map(|s| s.pid) == supervisor.id()
        {
            return Ok(state);
        }
        if let Ok(Some(ended)) = supervisor.try_wait() {
            return Err(not_ready(format!("{ended}; its log ends: {}", log_end(state_dir, "supervisor"))));
        }
        if Instant::now() > deadline {
            return Err(not_ready("it does not get ready".into()));
        }
        sleep(LOOK_EVERY).await;
    }
}

/// Stops the system of this directory, by force if needed, and returns when nothing of it is left. False if nothing was
/// running.
pub async fn down(state_dir: &Path) -> Result<bool, DemoError> {
    let was_running = lock::is_held(state_dir);
    for signal in [Signal::TERM, Signal::KILL] {
        if let Ok(State { supervisor: Some(supervisor), .. }) = State::read(state_dir)
            && lock::is_held(state_dir)
        {
            supervisor.signal(signal);
        }
        let deadline = Instant::now() + DOWN_WITHIN;
        while lock::is_held(state_dir) && Instant::now() < deadline {
            sleep(LOOK_EVERY).await;
        }
    }
    if lock::is_held(state_dir) {
        return Err(DemoError::AlreadyRunning { state_dir: state_dir.to_owned() });
    }
    if let Ok(state) = State::read(state_dir) {
        state.kill_survivors();
    }
    Ok(was_running)
}

/// What runs in this directory, and which processes answer.
pub async fn status(state_dir: &Path) -> Status {
    let running = lock::is_held(state_dir);
    let state = State::read(state_dir).ok();
    let mut answers = BTreeMap::new();
    for (name, process) in state.iter().flat_map(State::processes) {
        answers.insert(name.clone(), running && ready::answers(process).await);
    }
    Status { running, state, answers }
}

/// Waits until every payment came to its end: the outbox is empty and no hold is open. Call it when the load is over
/// and before [`crate::audit()`].
pub async fn drain(state_dir: &Path, within: Duration) -> Result<(), DemoError> {
    let deadline = Instant::now() + within;
    let state = State::read(state_dir)?;
    let not_running = || DemoError::NotRunning { state_dir: state_dir.to_owned() };
    let payments = Client::new(state.services.get("payments").ok_or_else(not_running)?.socket());
    loop {
        let left = match payments.post("/drain", &(), ANSWER_WITHIN.min(within)).await {
            Ok(answer) => answer.success::<Unfinished>(),
            Err(error) => Err(error),
        };
        match left {
            Ok(Unfinished { outbox: 0, holds: 0 }) => return Ok(()),
            Ok(left) if Instant::now() > deadline => {
                return Err(DemoError::NotDrained { waiting: left.outbox.max(left.holds) });
            }
            Err(error) if Instant::now() > deadline => {
                return Err(DemoError::Call { doing: "drain payments".into(), reason: error.to_string() });
            }
            _ => sleep(10 * LOOK_EVERY).await,
        }
    }
}

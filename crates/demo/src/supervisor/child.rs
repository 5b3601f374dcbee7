//! Keeping one process alive.

use std::fs::File;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::board::Board;
use super::identity::Identity;
use crate::error::DemoError;

const FIRST_PAUSE: Duration = Duration::from_millis(300);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// After this long a process counts as healthy again.
const PROVEN: Duration = Duration::from_secs(10);
const GOODBYE: Duration = Duration::from_millis(1500);

/// A process to keep running.
#[derive(Debug)]
pub(super) struct Role {
    pub name: String,
    /// Program and arguments.
    pub command: Vec<String>,
    pub log: PathBuf,
}

/// Starts it again whenever it ends, until told to stop; then returns when it is gone.
pub(super) async fn keep(role: Role, board: Arc<Board>, mut stop: watch::Receiver<bool>) {
    let mut pause = FIRST_PAUSE;
    // The log is of this start of the system.
    std::fs::remove_file(&role.log).ok();
    loop {
        let since = Instant::now();
        match spawn(&role) {
            Ok(child) => {
                let identity = child.id().and_then(Identity::of);
                board.change(|state| {
                    state.process_mut(&role.name).into_iter().for_each(|p| p.process = identity);
                });
                let stopped = attend(child, identity, &mut stop).await;
                board.change(|state| {
                    state.process_mut(&role.name).into_iter().for_each(|p| p.process = None);
                });
                if stopped {
                    return;
                }
            }
            Err(error) => eprintln!("failed to {error}"),
        }
        if since.elapsed() > PROVEN {
            pause = FIRST_PAUSE;
        }
        tokio::select! {
            () = sleep(pause) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
        board.change(|state| state.process_mut(&role.name).into_iter().for_each(|p| p.restarts += 1));
    }
}

/// Starts the process, with a pipe as standard input that closes when this process ends.
fn spawn(role: &Role) -> Result<Child, DemoError> {
    let failed = |source| DemoError::Io { doing: format!("start {}", role.name), source };
    let log = File::options().create(true).append(true).open(&role.log).map_err(failed)?;
    let (program, arguments) = role.command.split_first().ok_or_else(|| DemoError::Setting {
        doing: format!("start {}", role.name),
        reason: "the command is empty".into(),
    })?;
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(log.try_clone().map_err(failed)?)
        .stderr(log)
        // A group of its own: Ctrl-C in a terminal is for the supervisor, and a stopped child of a dead supervisor is
        // hung up by the kernel.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)
}

/// Waits until the child ends (false), or ends it when told to stop (true).
async fn attend(mut child: Child, identity: Option<Identity>, stop: &mut watch::Receiver<bool>) -> bool {
    // Taken out, because waiting would close it.
    let stdin = child.stdin.take();
    tokio::select! {
        _ = child.wait() => return false,
        _ = stop.wait_for(|stop| *stop) => {}
    }
    drop(stdin);
    if let Some(identity) = identity {
        identity.signal(Signal::TERM);
    }
    if timeout(GOODBYE, child.wait()).await.is_err() {
        if let Some(identity) = identity {
            identity.kill_group();
        }
        child.kill().await.ok();
    }
    true
}

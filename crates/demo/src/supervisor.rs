//! Starts the proxies and services, keeps them running on the same ports and leaves nothing behind.
//!
//! Children hold the reading end of a pipe whose other end lives here: if this process dies in any way, their standard
//! input closes and they end. A child that is stopped at that moment cannot notice; but as a process group whose last
//! relative is gone the kernel wakes and hangs it up, and the next start looks for survivors.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

mod background;
mod board;
mod child;
mod identity;
mod lock;
mod plan;
mod ports;
mod ready;
mod state;

pub use background::{Status, down, drain, status, supervise, up};
pub use identity::Identity;
pub use state::{Process, State};

use board::Board;
use child::keep;
use lock::Lock;
use plan::Plan;

use crate::config::DemoConfig;
use crate::error::DemoError;

const READY_WITHIN: Duration = Duration::from_secs(30);

/// The running system. Dropping it kills every process at once; [`System::stop`] lets them end properly.
#[derive(Debug)]
pub struct System {
    board: Arc<Board>,
    stopping: watch::Sender<bool>,
    keepers: JoinSet<()>,
    state_dir: PathBuf,
    _lock: Lock,
}

impl System {
    /// Starts everything and returns when every process answers.
    ///
    /// Fails if a system already runs in this state directory, if a port that must be used is taken, and if a process
    /// does not become ready within 30 s; then everything is stopped again.
    pub async fn start(config: &DemoConfig) -> Result<Self, DemoError> {
        let lock = Lock::take(&config.state_dir).await?;
        let before = State::read(&config.state_dir).ok().unwrap_or_default();
        before.kill_survivors();
        let plan = Plan::new(config, &before)?;
        plan.write_configs()?;
        let board = Arc::new(Board::new(&config.state_dir, plan.state.clone())?);
        let (stopping, stop) = watch::channel(false);
        let mut keepers = JoinSet::new();
        for role in plan.roles {
            keepers.spawn(keep(role, board.clone(), stop.clone()));
        }
        let system = Self { board, stopping, keepers, state_dir: config.state_dir.clone(), _lock: lock };
        match ready::all_ready(&system.board, &system.state_dir, READY_WITHIN).await {
            Ok(()) => {
                system.board.change(|state| state.ready = true);
                Ok(system)
            }
            Err(error) => {
                system.stop().await;
                Err(error)
            }
        }
    }

    /// Who runs where, now.
    pub fn state(&self) -> State {
        self.board.state()
    }

    /// Where clients pay, for example `http://127.0.0.1:24113`.
    pub fn gateway_url(&self) -> String {
        self.state().url("gateway")
    }

    /// Ends all processes, by force after a second and a half, and returns when they are gone.
    pub async fn stop(mut self) {
        self.stopping.send_replace(true);
        while self.keepers.join_next().await.is_some() {}
        self.board.change(State::stopped);
        plan::remove_sockets(&self.state_dir);
    }
}

/// The last lines of a process's log.
fn log_end(state_dir: &Path, name: &str) -> String {
    let log = std::fs::read(log_path(state_dir, name)).unwrap_or_default();
    let text = String::from_utf8_lossy(&log);
    let lines: Vec<_> = text.lines().rev().take(3).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join(" | ")
}

fn log_path(state_dir: &Path, name: &str) -> PathBuf {
    state_dir.join("logs").join(format!("{name}.log"))
}

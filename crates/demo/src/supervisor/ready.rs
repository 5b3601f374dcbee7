//! Waiting until every process answers.

use std::path::Path;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use super::board::Board;
use super::log_end;
use super::state::Process;
use crate::client::Client;
use crate::error::DemoError;

const ASK_EVERY: Duration = Duration::from_millis(50);
const ANSWER_WITHIN: Duration = Duration::from_secs(1);
/// A process that ended this often will not become ready by trying more.
const ENOUGH_RESTARTS: u32 = 3;

/// Returns when all answer; fails on the first that will not.
pub(super) async fn all_ready(board: &Board, state_dir: &Path, within: Duration) -> Result<(), DemoError> {
    let deadline = Instant::now() + within;
    let mut waiting: Vec<_> = board.state().processes().map(|(name, _)| name.clone()).collect();
    loop {
        let state = board.state();
        let mut silent = Vec::new();
        for name in waiting {
            let Some((_, process)) = state.processes().find(|(n, _)| **n == name) else { continue };
            if process.process.is_some_and(|p| p.is_alive()) && answers(process).await {
                continue;
            }
            if process.restarts >= ENOUGH_RESTARTS || Instant::now() > deadline {
                let end = log_end(state_dir, &name);
                let reason = match process.restarts {
                    0 => format!("it does not answer; its log ends: {end}"),
                    n => format!("it ended {n} times; its log ends: {end}"),
                };
                return Err(DemoError::NotReady { name, reason });
            }
            silent.push(name);
        }
        if silent.is_empty() {
            return Ok(());
        }
        waiting = silent;
        sleep(ASK_EVERY).await;
    }
}

/// A service answers on `/healthz`; a proxy accepts connections.
pub(super) async fn answers(process: &Process) -> bool {
    let address = process.socket();
    match process.control {
        Some(_) => {
            matches!(tokio::time::timeout(ANSWER_WITHIN, TcpStream::connect(address)).await, Ok(Ok(_)))
        }
        None => {
            let answer = Client::new(address).get("/healthz", ANSWER_WITHIN).await;
            answer.is_ok_and(|a| a.status.is_success())
        }
    }
}

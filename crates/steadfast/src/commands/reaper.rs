//! `steadfast reaper`: started by whoever injects, never by hand.

use steadfast_host::{Timing, reaper::run_reaper};
use steadfast_ledger::StateDir;

use crate::{failure::Failure, terminal::Terminal};

/// Looks after a state directory until nothing has been live for a while. What it says goes to its log.
pub(crate) async fn reaper(state: StateDir, terminal: Terminal) -> Result<u8, Failure> {
    run_reaper(state, Timing::default(), move |event| terminal.say(event))
        .await
        .map_err(|error| Failure::failed(&error))?;
    Ok(0)
}

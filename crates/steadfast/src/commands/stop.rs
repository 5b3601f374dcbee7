//! `steadfast stop RUN | --all`

use std::time::Duration;

use steadfast_linux::{ProcessHandle, process_state};
use steadfast_model::{
    ProcessIdentity,
    process::{ProcessState, Signal},
};

use crate::{
    cli::run::StopArguments,
    failure::Failure,
    live_runs::{self, LiveRun},
    session::Session,
};

/// How long a run may take to revert and conclude before we stop watching it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks runs to stop, revert and conclude, and waits until they have.
pub(crate) fn stop(arguments: &StopArguments, session: &Session) -> Result<u8, Failure> {
    let live = live_runs::list(session.folder(), is_alive);
    let chosen = choose(live, arguments)?;
    if chosen.is_empty() {
        session.terminal.say("No run is under way.");
        return Ok(0);
    }
    let mut ended = true;
    // All are asked before any is waited for.
    let mut asked = Vec::new();
    for run in chosen {
        let failed = |error: steadfast_linux::LinuxError| Failure::failed(error.with_causes());
        if let Some(handle) = ProcessHandle::open(&run.process).map_err(failed)? {
            handle.signal(Signal::Term).map_err(failed)?;
            asked.push((run, handle));
        }
    }
    for (run, handle) in asked {
        session.terminal.say(format_args!("asked {} to stop; it reverts and concludes", run.name));
        let gone = handle.ends_within(PATIENCE).map_err(|error| Failure::failed(error.with_causes()))?;
        if gone {
            session.terminal.print(format_args!("{} stopped", run.name));
        } else {
            session
                .terminal
                .say(format_args!("{} is still at it; `steadfast status` shows what is in place", run.name));
            ended = false;
        }
    }
    Ok(if ended { 0 } else { crate::failure::code::FAILED })
}

fn choose(live: Vec<LiveRun>, arguments: &StopArguments) -> Result<Vec<LiveRun>, Failure> {
    let Some(wanted) = &arguments.run else { return Ok(live) };
    let names: Vec<_> = live.iter().map(|run| run.name.clone()).collect();
    let matching: Vec<_> =
        live.into_iter().filter(|run| run.name.starts_with(wanted) || run.name.ends_with(wanted)).collect();
    match matching.len() {
        1 => Ok(matching),
        0 => Err(Failure::usage(format!("no run called `{wanted}` is under way")).hint(Some(
            match names.as_slice() {
                [] => "none is".to_owned(),
                names => format!("under way: {}", names.join(", ")),
            },
        ))),
        _ => Err(Failure::usage(format!("`{wanted}` fits several runs")).hint(Some(names.join(", ")))),
    }
}

/// Whether the process still is the one that was meant.
pub(crate) fn is_alive(process: &ProcessIdentity) -> bool {
    matches!(process_state(process), Ok(ProcessState::Running | ProcessState::Stopped | ProcessState::Traced))
}

//! Runs programs for probes, below a keeper.

use std::ffi::OsString;

use steadfast_linux::{CommandEnding, CommandOrder, CommandReport, run_kept};
use steadfast_probes::{
    ProbeError,
    world::{CommandAnswer, CommandEnd, CommandRequest},
};

/// Runs a program and waits for its end. Dropping this kills the program and all that it started.
pub(super) async fn run(keeper: &[OsString], request: &CommandRequest) -> Result<CommandAnswer, ProbeError> {
    let program = request.argv.first().map_or("", String::as_str);
    let error = |cause: String, hint: Option<&str>, ours| ProbeError {
        what: format!("run `{program}`"),
        cause,
        hint: hint.map(str::to_owned),
        ours,
    };
    let order = CommandOrder {
        argv: request.argv.clone(),
        env: request.env.iter().map(|(name, value)| (name.clone(), value.expose().to_owned())).collect(),
        timeout_ms: u64::try_from(request.timeout.as_millis()).unwrap_or(u64::MAX),
        longest_output: request.longest_output,
    };
    let failed = |cause: &steadfast_linux::LinuxError| error(cause.with_causes(), None, true);
    let (_held, kept) = run_kept(keeper, &order).map_err(|cause| failed(&cause))?;
    // The thread ends with the keeper, which ends when `_held` is dropped.
    let report = tokio::task::spawn_blocking(|| kept.wait()).await;
    let report = report.map_err(|cause| error(cause.to_string(), None, true))?;
    let CommandReport { end, output, errors, left } = report.map_err(|cause| failed(&cause))?;
    let end = match end {
        CommandEnding::Exited(code) => CommandEnd::Exited(code),
        CommandEnding::Killed(signal) => CommandEnd::Killed(signal),
        CommandEnding::Late => CommandEnd::Late,
        CommandEnding::TooMuch => CommandEnd::TooMuch,
        CommandEnding::NotStarted(why) => {
            let hint = "is it there, and may it be executed? The first item of `argv` is the program alone";
            return Err(error(format!("it cannot be started: {why}"), Some(hint), true));
        }
    };
    Ok(CommandAnswer { end, output, errors, left })
}

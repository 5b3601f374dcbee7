//! `steadfast recover`

use steadfast_host::{Recovery, Timing, recover as undo};
use steadfast_model::InjectionId;

use crate::{
    cli::Output,
    failure::{Failure, code},
    session::Session,
    terminal::{Style, Terminal, paint},
};

/// What undoes at boot, for systemd. The path in it is where packages put the program.
const UNIT: &str = include_str!("../../../../deploy/systemd/steadfast-recover.service");
const PACKAGED: &str = "/usr/local/bin/steadfast";

/// Prints the unit with the path of this program.
pub(crate) fn print_unit(terminal: Terminal) -> Result<u8, Failure> {
    let program = std::env::current_exe()
        .map_err(|error| Failure::failed(format!("find the path of this program: {error}")))?;
    // In a unit a path with blanks is quoted, and these have a meaning of their own.
    let path = program.display().to_string().replace('\\', "\\\\").replace('%', "%%").replace('$', "$$");
    let path = if path.contains(char::is_whitespace) { format!("\"{path}\"") } else { path };
    terminal.print(UNIT.replace(PACKAGED, &path).trim_end());
    Ok(0)
}

/// Undoes what processes that died have left behind.
pub(crate) async fn recover(output: Output, session: &Session) -> Result<u8, Failure> {
    let recovery = run(session).await?;
    match output {
        Output::Json => {
            session.terminal.print_data(serde_json::to_string_pretty(&recovery).map_err(Failure::failed)?)
        }
        Output::Text => {
            say(&recovery, session.terminal);
            if recovery.is_clean() && recovery.reverted.is_empty() {
                session.terminal.say("Nothing was left behind.");
            }
        }
    }
    Ok(code_of(&recovery))
}

/// The same after another command's work, which then ends with the code that is returned.
pub(crate) async fn clean_up(session: &Session) -> Result<u8, Failure> {
    let recovery = run(session).await?;
    say(&recovery, session.terminal);
    Ok(code_of(&recovery))
}

fn code_of(recovery: &Recovery) -> u8 {
    match () {
        () if !recovery.abandoned.is_empty() || !recovery.foreign.is_empty() => code::ABANDONED,
        () if !recovery.pending.is_empty() => code::FAILED,
        () => 0,
    }
}

/// Puts an abandoned injection away after a person has undone it.
pub(crate) async fn forget(injection: InjectionId, session: &Session) -> Result<u8, Failure> {
    steadfast_host::forget(&session.state, injection, Timing::default())
        .await
        .map_err(|error| Failure::failed(error.with_causes()).hint(error.hint()))?;
    session.terminal.say(format_args!("Injection {injection} is put away."));
    Ok(0)
}

/// The same before another command's own work.
pub(crate) async fn run(session: &Session) -> Result<Recovery, Failure> {
    undo(&session.state, session.clock.clone(), Timing::default())
        .await
        .map_err(|error| Failure::failed(error.with_causes()).hint(error.hint()))
}

/// Says what was undone and what was not; nothing when there was nothing.
pub(crate) fn say(recovery: &Recovery, terminal: Terminal) {
    let colour = terminal.stderr_colour;
    for injection in &recovery.reverted {
        terminal.say(format_args!(
            "{} injection {injection}, left behind by a process that died",
            paint(colour, Style::Green, "undid")
        ));
    }
    for (word, list) in [("could NOT undo", &recovery.abandoned), ("could not undo yet:", &recovery.pending)]
    {
        for left in list {
            terminal.say(format_args!(
                "{} injection {}: {}",
                paint(colour, Style::Red, word),
                left.injection,
                left.problems.join("; ")
            ));
            for command in &left.manual {
                terminal.say(format_args!("  by hand: {command}"));
            }
        }
    }
    for file in &recovery.foreign {
        terminal.say(format_args!(
            "{} {}: {}; something may be left behind",
            paint(colour, Style::Red, "cannot read"),
            file.path.display(),
            file.why
        ));
    }
}

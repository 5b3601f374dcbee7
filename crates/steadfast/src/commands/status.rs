//! `steadfast status`

use serde_json::json;
use steadfast_host::status::{InjectionStatus, status as look};
use steadfast_ledger::State;

use crate::{
    cli::Output,
    commands::stop::is_alive,
    failure::{Failure, code},
    live_runs,
    session::Session,
    terminal::{Style, Terminal, paint},
};

/// Shows what is injected right now, and until when. Exits with 5 when something could not be undone.
pub(crate) fn status(output: Output, session: &Session) -> Result<u8, Failure> {
    let terminal = session.terminal;
    let status = look(&session.state, &*session.clock)
        .map_err(|error| Failure::failed(error.with_causes()).hint(error.hint()))?;
    let runs = live_runs::list(session.folder(), is_alive);
    let abandoned = status.injections.iter().any(|injection| injection.state == State::Abandoned);
    if output == Output::Json {
        let shown = json!({ "runs": runs, "injections": status.injections, "foreign": status.foreign, "reaper": status.reaper });
        terminal.print_data(serde_json::to_string_pretty(&shown).map_err(Failure::failed)?);
    } else {
        for run in &runs {
            terminal.print(format_args!("run {} is under way (process {})", run.name, run.process.pid));
        }
        if status.injections.is_empty() && status.foreign.is_empty() {
            terminal.print("Nothing is injected.");
        }
        for injection in &status.injections {
            print(injection, terminal);
        }
        for file in &status.foreign {
            let word = paint(terminal.stdout_colour, Style::Red, "cannot read");
            terminal.print(format_args!("{word} {}: {}", file.path.display(), file.why));
        }
    }
    Ok(if abandoned || !status.foreign.is_empty() { code::ABANDONED } else { 0 })
}

fn print(injection: &InjectionStatus, terminal: Terminal) {
    let colour = terminal.stdout_colour;
    let fault = paint(colour, Style::Bold, &injection.fault);
    terminal.print(format_args!("{fault} into {}", injection.targets.join(", ")));
    terminal.print(format_args!("  injection {}", injection.injection));
    if injection.state == State::Abandoned {
        terminal
            .print(format_args!("  {}", paint(colour, Style::Red, "could NOT be undone; a person must act")));
        for command in &injection.manual {
            terminal.print(format_args!("  by hand: {command}"));
        }
    } else {
        terminal.print(format_args!(
            "  gone within {:.0} s; reverted in {:.0} s unless renewed",
            injection.ends_within_seconds, injection.lease_seconds
        ));
        let word = if injection.injector_lives {
            "works on it"
        } else {
            "is gone: the reaper or `steadfast recover` undoes it"
        };
        let process = injection.injector.as_ref().map_or("?".to_owned(), |injector| injector.pid.to_string());
        terminal.print(format_args!("  process {process} {word}"));
    }
    if let Some(note) = &injection.note {
        terminal.print(format_args!("  {note}"));
    }
    for trouble in &injection.troubles {
        terminal.print(format_args!("  {}: {trouble}", paint(colour, Style::Red, "not understood")));
    }
}

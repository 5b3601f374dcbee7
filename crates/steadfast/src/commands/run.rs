//! `steadfast run FILE`

use crate::{
    annotate::Grafana,
    cli::{Output, run::RunArguments},
    failure::Failure,
    session::Session,
    sources::Sources,
    stop,
    terminal::verdict,
    verify::{Wish, verify},
};

/// Runs an experiment.
pub(crate) async fn run(arguments: &RunArguments, session: &Session) -> Result<u8, Failure> {
    let wish = Wish {
        set: arguments.set.iter().cloned().collect(),
        ask: !arguments.yes,
        dry_run: arguments.dry_run,
        plan: arguments.plan,
        grafana: arguments
            .annotate
            .clone()
            .map(|url| Grafana { url, token: arguments.annotate_token.clone() }),
        output: arguments.output,
    };
    let Some(ended) = verify(Sources::typed(arguments)?, wish, stop::requests, session).await? else {
        return Ok(0);
    };
    let terminal = session.terminal;
    if arguments.output == Output::Text {
        let word = verdict(terminal.stdout_colour, ended.conclusion.verdict);
        terminal.print(format_args!(
            "{word} ({}): {}",
            ended.conclusion.outcome, ended.conclusion.reason.sentence
        ));
        for fault in &ended.conclusion.faults {
            let word = verdict(terminal.stdout_colour, fault.verdict);
            terminal.print(format_args!("  {word} {}: {}", fault.fault, fault.reason.sentence));
        }
        if let Some(harm) = &ended.harm {
            let began = steadfast_report::dated_in_words(&harm.began);
            terminal.print(format_args!("harm showed after {began}, first in {}", harm.first));
        }
        if let Some(Some(seconds)) = ended.recovery {
            let ended = ended.harm.as_ref().and_then(|harm| harm.ended);
            let after = match ended.filter(|ended| ended.seconds == seconds) {
                Some(ended) => steadfast_report::dated_in_words(&ended),
                None => steadfast_report::duration_in_words(seconds),
            };
            terminal.print(format_args!("recovered after {after}"));
        }
        terminal.print(format_args!("run {}", ended.run));
        if let Some(report) = &ended.report {
            terminal.print(format_args!("report {}", report.display()));
        }
    }
    Ok(ended.exit_code)
}

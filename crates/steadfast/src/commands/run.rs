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
        if let Some(Some(seconds)) = ended.recovery {
            terminal.print(format_args!("recovered after {}", steadfast_report::duration_in_words(seconds)));
        }
        terminal.print(format_args!("run {}", ended.run));
        if let Some(report) = &ended.report {
            terminal.print(format_args!("report {}", report.display()));
        }
    }
    Ok(ended.exit_code)
}

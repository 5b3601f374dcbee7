//! `steadfast runs list`

use steadfast_model::run::RunSummary;
use steadfast_report::instant_in_words;

use crate::{
    cli::Output,
    failure::Failure,
    terminal::{Style, Terminal, paint, verdict},
};

/// Lists runs, newest first.
pub(crate) fn list(runs: &[RunSummary], output: Output, terminal: Terminal) -> Result<u8, Failure> {
    if output == Output::Json {
        terminal.print(serde_json::to_string_pretty(runs).map_err(Failure::failed)?);
        return Ok(0);
    }
    if runs.is_empty() {
        terminal.say("No such runs. `steadfast demo` or `steadfast run FILE` makes some.");
        return Ok(0);
    }
    let colour = terminal.stdout_colour;
    let width = runs.iter().map(|run| run.name.chars().count()).max().unwrap_or(0);
    for run in runs {
        // Padding must not count the colour's own characters.
        let word = run.verdict.map_or("unfinished".to_owned(), |word| word.to_string());
        let shown =
            run.verdict.map_or_else(|| paint(colour, Style::Dim, &word), |word| verdict(colour, word));
        let outcome = run.outcome.map_or(String::new(), |outcome| outcome.to_string());
        terminal.print(format_args!(
            "{}  {:width$}  {shown}{}  {outcome:9}  {}",
            instant_in_words(run.started_at),
            run.name,
            " ".repeat(12_usize.saturating_sub(word.len())),
            run.title,
        ));
    }
    Ok(0)
}

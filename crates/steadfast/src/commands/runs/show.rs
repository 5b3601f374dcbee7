//! `steadfast runs show`

use serde_json::json;
use steadfast_api::RunRecord;
use steadfast_report::{Story, Teller, instant_in_words, share_in_words};

use crate::{
    cli::Output,
    failure::Failure,
    terminal::{Style, Terminal, paint, sparkline, verdict},
};

/// Shows one run.
pub(crate) fn show(
    record: &RunRecord,
    events: bool,
    output: Output,
    terminal: Terminal,
) -> Result<u8, Failure> {
    match output {
        Output::Json => {
            terminal.print_data(json!({ "run": record.summary, "events": record.events }));
        }
        Output::Text if events => {
            let mut teller = Teller::default();
            for event in &record.events {
                let what =
                    teller.sentence(&event.body).map_or_else(|| serde_json::to_string(&event.body), Ok);
                #[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
                let at = event.since_start as f64 / 1e9;
                terminal.print(format_args!("{at:8.1} s  {}", what.map_err(Failure::failed)?));
            }
        }
        Output::Text => print_story(record, terminal),
    }
    Ok(0)
}

fn print_story(record: &RunRecord, terminal: Terminal) {
    let colour = terminal.stdout_colour;
    let story = Story::new(record.summary.clone(), &record.events, record.documents.clone());
    let bold = |text: &str| paint(colour, Style::Bold, text);
    terminal.print(format_args!("{}  {}", bold(&story.run.name), story.run.title));
    terminal.print(format_args!("began {}", instant_in_words(story.run.started_at)));
    match &story.conclusion {
        Some(conclusion) => {
            let word = verdict(colour, conclusion.verdict);
            terminal.print(format_args!("{word} ({}): {}", conclusion.outcome, conclusion.reason.sentence));
        }
        None => terminal.print("unfinished: the process that wrote it died, or it still runs"),
    }
    for fault in story.faults() {
        let word = verdict(colour, fault.verdict);
        terminal.print(format_args!("  {word} {}: {}", fault.fault, fault.reason.sentence));
    }
    for (index, series) in story.series.iter().enumerate() {
        let shares: Vec<_> = series.points.iter().map(steadfast_report::Point::share).collect();
        terminal.print("");
        terminal.print(format_args!("{}  {}", bold(&series.name), sparkline(&shares)));
        terminal.print(format_args!("  {}", series.describes));
        for (fault, found) in story.found(index) {
            let under = fault.map_or(String::new(), |fault| format!("under {fault}: "));
            terminal.print(format_args!("  {under}{}", found.sentence));
            terminal.print(format_args!(
                "  baseline {}, fault {}, measured {:.0} %",
                share_in_words(found.baseline_rate),
                share_in_words(found.fault_rate),
                found.completeness * 100.0,
            ));
        }
    }
    terminal.print("");
    for mark in &story.marks {
        terminal.print(format_args!("{:8.1} s  {}", mark.at, mark.what));
    }
}

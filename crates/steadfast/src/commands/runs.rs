//! `steadfast runs`

use std::{fs, path::Path};

use serde_json::json;
use steadfast_api::{Api, ReplayResult};
use steadfast_model::{WallTime, run::RunFilter};
use steadfast_report::Story;

use crate::{
    cli::{
        Output,
        runs::{Report, RunsCommand},
    },
    failure::{Failure, code},
    terminal::{Style, Terminal, paint},
};

mod archive;
mod diff;
mod list;
mod show;

/// Looks at what was learned.
pub(crate) async fn runs(
    command: RunsCommand,
    api: &dyn Api,
    now: WallTime,
    terminal: Terminal,
) -> Result<u8, Failure> {
    match command {
        RunsCommand::List { experiment, verdict, outcome, claim, label, since, limit, output } => {
            let (verdict, outcome) = (verdict.map(word).transpose()?, outcome.map(word).transpose()?);
            let since = since.map(|text| list::moment(&text, now)).transpose().map_err(Failure::usage)?;
            let limit = Some(limit);
            let filter =
                RunFilter { experiment, verdict, outcome, claim, label, since, made_here: false, limit };
            list::list(&api.list_runs(&filter).await?, output, terminal)
        }
        RunsCommand::Show { run, events, output } => {
            show::show(&api.show_run(&run).await?, events, output, terminal)
        }
        RunsCommand::Replay { run, all, output } => {
            let names = match run {
                Some(run) if !all => vec![run],
                _ => api
                    .list_runs(&RunFilter::default())
                    .await?
                    .into_iter()
                    .map(|run| run.id.to_string())
                    .collect(),
            };
            replay(&names, api, output, terminal).await
        }
        RunsCommand::Diff { left, right, output } => {
            diff::diff(&api.show_run(&left).await?, &api.show_run(&right).await?, output, terminal)
        }
        RunsCommand::Report { run, file, output } => {
            let record = api.show_run(&run).await?;
            let story = Story::new(record.summary, &record.events, record.documents);
            let (text, ending) = match output {
                Report::Html => (steadfast_report::html(&story), "html"),
                Report::Markdown => (steadfast_report::markdown(&story), "md"),
                Report::Junit => (steadfast_report::junit(&story), "xml"),
                Report::Json => (steadfast_report::json(&story).map_err(Failure::failed)?, "json"),
            };
            let file = file.unwrap_or_else(|| format!("{}.{ending}", story.run.name).into());
            if file.as_os_str() == "-" {
                terminal.print_data(text.trim_end());
                return Ok(0);
            }
            write(&file, &text)?;
            terminal.print(file.display());
            Ok(0)
        }
        RunsCommand::Export { runs, all, file } => archive::export(&runs, all, file, api, terminal).await,
        RunsCommand::Import { file } => archive::import(&file, api, terminal).await,
    }
}

async fn replay(names: &[String], api: &dyn Api, output: Output, terminal: Terminal) -> Result<u8, Failure> {
    let colour = terminal.stdout_colour;
    let (mut agreeing, mut others, mut disagreeing) = (0_u32, 0_u32, 0_u32);
    let mut reports = Vec::new();
    for name in names {
        let report = match api.replay_run(name).await {
            Ok(report) => report,
            // One that cannot be read keeps no other from being looked at, and is no agreement.
            Err(error) if names.len() > 1 => {
                disagreeing += 1;
                terminal
                    .say(format_args!("{name}  {}: {error}", paint(colour, Style::Red, "cannot be read")));
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let (word, lines) = match &report.result {
            ReplayResult::Agrees {} => (paint(colour, Style::Green, "agrees"), Vec::new()),
            ReplayResult::Disagrees { differences } => {
                (paint(colour, Style::Red, "disagrees"), differences.clone())
            }
            ReplayResult::Unfinished {} => (paint(colour, Style::Dim, "unfinished"), Vec::new()),
            ReplayResult::OtherVersion { concluded_by } => (
                paint(colour, Style::Yellow, "other version"),
                vec![format!("concluded by analysis {concluded_by}")],
            ),
        };
        match report.result {
            ReplayResult::Agrees {} => agreeing += 1,
            ReplayResult::Disagrees { .. } => disagreeing += 1,
            _ => others += 1,
        }
        if output == Output::Text {
            terminal.print(format_args!("{}  {word}", report.run.name));
            for line in lines {
                terminal.print(format_args!("    {line}"));
            }
        }
        reports.push(report);
    }
    match output {
        Output::Json => {
            terminal.print_data(json!({ "runs": reports, "agreeing": agreeing, "disagreeing": disagreeing }))
        }
        Output::Text => terminal
            .print(format_args!("{agreeing} agree, {disagreeing} disagree, {others} cannot be compared")),
    }
    let other_version =
        reports.iter().any(|report| matches!(report.result, ReplayResult::OtherVersion { .. }));
    Ok(match () {
        () if disagreeing > 0 => code::REFUTED,
        () if other_version => code::INCONCLUSIVE,
        () => 0,
    })
}

/// Writes a report. Like all that is kept, only its owner may read it.
pub(crate) fn write(file: &Path, text: &str) -> Result<(), Failure> {
    fs::write(file, text).map_err(|error| Failure::failed(format!("write {}: {error}", file.display())))
}

/// A word of a closed list, as its enum spells it.
fn word<T: serde::de::DeserializeOwned>(word: String) -> Result<T, Failure> {
    serde_json::from_value(word.into()).map_err(Failure::usage)
}

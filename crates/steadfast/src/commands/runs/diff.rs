//! `steadfast runs diff`

use serde_json::{Value, json};
use steadfast_api::RunRecord;
use steadfast_report::{SourceText, Story, share_in_words};

use crate::{
    cli::Output,
    failure::Failure,
    terminal::{Style, Terminal, paint},
};

/// Compares two runs: what was run, what was planned, what was found.
pub(crate) fn diff(
    left: &RunRecord,
    right: &RunRecord,
    output: Output,
    terminal: Terminal,
) -> Result<u8, Failure> {
    let differences = compare(left, right);
    match output {
        Output::Json => terminal.print_data(json!({
            "left": left.summary,
            "right": right.summary,
            "differences": differences.iter().map(|d| json!({ "what": d.0, "left": d.1, "right": d.2 })).collect::<Vec<Value>>(),
        })),
        Output::Text => {
            let colour = terminal.stdout_colour;
            terminal.print(format_args!("{} {}", paint(colour, Style::Red, "-"), left.summary.name));
            terminal.print(format_args!("{} {}", paint(colour, Style::Green, "+"), right.summary.name));
            if differences.is_empty() {
                terminal.print("nothing differs");
            }
            for (what, before, after) in differences {
                terminal.print(paint(colour, Style::Bold, what));
                terminal.print(format_args!("  {} {before}", paint(colour, Style::Red, "-")));
                terminal.print(format_args!("  {} {after}", paint(colour, Style::Green, "+")));
            }
        }
    }
    Ok(0)
}

/// What differs: its name, the left value, the right value.
fn compare(left: &RunRecord, right: &RunRecord) -> Vec<(String, String, String)> {
    let tell =
        |record: &RunRecord| Story::new(record.summary.clone(), &record.events, record.documents.clone());
    let (left, right) = (tell(left), tell(right));
    let mut found = Vec::new();
    let mut note = |what: String, a: String, b: String| {
        if a != b {
            found.push((what, a, b));
        }
    };
    note("experiment".into(), left.run.experiment.clone(), right.run.experiment.clone());
    let word =
        |story: &Story| story.conclusion.as_ref().map_or("unfinished".into(), |c| c.verdict.to_string());
    note("verdict".into(), word(&left), word(&right));
    let outcome =
        |story: &Story| story.conclusion.as_ref().map_or("unfinished".into(), |c| c.outcome.to_string());
    note("outcome".into(), outcome(&left), outcome(&right));
    let reason =
        |story: &Story| story.conclusion.as_ref().map_or(String::new(), |c| c.reason.sentence.clone());
    note("reason".into(), reason(&left), reason(&right));
    let mut names: Vec<&String> =
        left.series.iter().chain(&right.series).map(|series| &series.name).collect();
    names.sort();
    names.dedup();
    for name in names {
        let numbers = |story: &Story| {
            let index = story.series.iter().position(|series| series.name == *name)?;
            let told = |(fault, found): (Option<&str>, &steadfast_analysis::MetricFinding)| {
                let under = fault.unwrap_or("fault");
                let rates = (share_in_words(found.baseline_rate), share_in_words(found.fault_rate));
                format!("baseline {}, {under} {}", rates.0, rates.1)
            };
            let found: Vec<String> = story.found(index).map(told).collect();
            (!found.is_empty()).then(|| found.join("; "))
        };
        let text = |story| numbers(story).unwrap_or_else(|| "not judged".to_owned());
        note(format!("metric {name}"), text(&left), text(&right));
    }
    let mut files: Vec<_> = left.documents.iter().chain(&right.documents).map(name).collect();
    files.sort_unstable();
    files.dedup();
    for file in files {
        let text = |story: &Story| {
            let document = story.documents.iter().find(|&document| name(document) == file);
            document.map_or(String::new(), |document| document.text.clone())
        };
        for (a, b) in changed_lines(&text(&left), &text(&right)) {
            note(format!("line of {file}"), a, b);
        }
    }
    found.dedup();
    found
}

/// A document by its name alone: the same one may lie elsewhere, or be called from elsewhere.
fn name(document: &SourceText) -> &str {
    document.file.rsplit('/').next().unwrap_or(&document.file)
}

/// Lines that stand in only one of two texts, paired in order.
fn changed_lines(left: &str, right: &str) -> Vec<(String, String)> {
    let only = |a: &str, b: &str| -> Vec<String> {
        a.lines()
            .filter(|line| !b.lines().any(|other| other == *line))
            .map(|line| line.trim().to_owned())
            .collect()
    };
    let (gone, new) = (only(left, right), only(right, left));
    (0..gone.len().max(new.len()))
        .map(|index| {
            (gone.get(index).cloned().unwrap_or_default(), new.get(index).cloned().unwrap_or_default())
        })
        .collect()
}

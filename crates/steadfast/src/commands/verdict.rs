//! `steadfast verdict FILE`

use std::{
    fs,
    io::{self, BufRead, BufReader, Read},
    path::Path,
};

use serde_json::json;
use steadfast_analysis::{Finding, Increments, Verdict, judge};

use crate::{
    cli::{Output, verdict::VerdictArguments},
    failure::Failure,
    terminal::{Style, Terminal, paint},
};

/// The longest document read, in bytes: 1,000 metrics of 1,000,000 intervals do not fit a line anyone wrote by hand.
const LONGEST: u64 = 256 << 20;

/// Judges counts from a JSON document.
pub(crate) fn verdict(arguments: &VerdictArguments, terminal: Terminal) -> Result<u8, Failure> {
    let name = arguments.file.display().to_string();
    let input = open(&arguments.file)?;
    if arguments.batch {
        return batch(BufReader::new(input), &name, terminal);
    }
    let mut text = String::new();
    input
        .take(LONGEST + 1)
        .read_to_string(&mut text)
        .map_err(|error| Failure::document(format!("error: failed to read {name}: {error}")))?;
    if text.len() as u64 > LONGEST {
        return Err(Failure::document(format!("error: {name} is longer than 256 MiB")));
    }
    let finding = read_and_judge(&text).map_err(|problems| {
        let lines: Vec<_> = problems.iter().map(|problem| format!("error: {name}: {problem}")).collect();
        Failure::document(lines.join("\n"))
    })?;
    match arguments.output {
        Output::Json => terminal.print_data(serde_json::to_string_pretty(&finding).map_err(Failure::failed)?),
        Output::Text => print_text(&finding, terminal),
    }
    Ok(exit_code(&finding))
}

/// One document a line, one answer a line. A line that cannot be judged is answered with its problems; the exit code
/// then says that a document made no sense.
fn batch(mut input: impl BufRead, name: &str, terminal: Terminal) -> Result<u8, Failure> {
    let mut worst = 0;
    let mut line = String::new();
    loop {
        line.clear();
        let read = input.by_ref().take(LONGEST + 1).read_line(&mut line);
        let length =
            read.map_err(|error| Failure::document(format!("error: failed to read {name}: {error}")))?;
        if length == 0 {
            break;
        }
        if length as u64 > LONGEST {
            return Err(Failure::document(format!("error: a line of {name} is longer than 256 MiB")));
        }
        if line.trim().is_empty() {
            continue;
        }
        match read_and_judge(&line) {
            Ok(finding) => terminal.print_data(serde_json::to_string(&finding).map_err(Failure::failed)?),
            Err(problems) => {
                worst = crate::failure::code::DOCUMENT;
                terminal.print_data(json!({ "problems": problems }));
            }
        }
    }
    Ok(worst)
}

fn open(path: &Path) -> Result<Box<dyn Read>, Failure> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdin()));
    }
    let file = fs::File::open(path)
        .map_err(|error| Failure::document(format!("error: failed to open {}: {error}", path.display())))?;
    Ok(Box::new(file))
}

fn read_and_judge(text: &str) -> Result<Finding, Vec<String>> {
    let increments: Increments = serde_json::from_str(text).map_err(|error| vec![error.to_string()])?;
    judge(&increments).map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

fn exit_code(finding: &Finding) -> u8 {
    match finding.verdict {
        Verdict::Held => 0,
        Verdict::Refuted => 1,
        Verdict::Inconclusive => 2,
    }
}

fn print_text(finding: &Finding, terminal: Terminal) {
    let colour = terminal.stdout_colour;
    let word = |verdict| crate::terminal::verdict(colour, crate::convert::verdict(verdict));
    terminal.print(format_args!("{}: {}", word(finding.verdict), finding.sentence));
    for metric in &finding.metrics {
        terminal.print("");
        terminal.print(format_args!(
            "{}  {}",
            paint(colour, Style::Bold, &metric.name),
            word(metric.verdict)
        ));
        terminal.print(format_args!("  {}", metric.sentence));
        let rate =
            |rate: Option<f64>| rate.map_or("no traffic".to_owned(), |rate| format!("{:.4} %", rate * 100.0));
        terminal.print(format_args!(
            "  baseline {} of {:.0}, fault {} of {:.0}, complete {:.0} %, dispersion {:.2} / {:.2}",
            rate(metric.baseline_rate),
            metric.baseline.total,
            rate(metric.fault_rate),
            metric.fault.total,
            metric.completeness * 100.0,
            metric.dispersion.abort,
            metric.dispersion.end,
        ));
    }
}

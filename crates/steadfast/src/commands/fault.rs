//! `steadfast fault list | show`; `try` has a file of its own.

use serde_json::{Value, json};
use steadfast_faults::{FAULTS, FaultKind};
use steadfast_model::yaml::suggest;

use crate::{
    cli::Output,
    failure::Failure,
    terminal::{Style, Terminal, paint},
};

mod attempt;

pub(crate) use attempt::{attempt, refused};

/// Lists every fault.
pub(crate) fn list(output: Output, terminal: Terminal) -> Result<u8, Failure> {
    if output == Output::Json {
        let kinds: Vec<Value> =
            FAULTS.iter().map(|fault| json!({ "kind": fault.kind, "summary": fault.summary })).collect();
        terminal.print_data(serde_json::to_string_pretty(&kinds).map_err(Failure::failed)?);
        return Ok(0);
    }
    let width = FAULTS.iter().map(|fault| fault.kind.len()).max().unwrap_or(0);
    for fault in FAULTS {
        let padding = " ".repeat(width - fault.kind.len());
        terminal.print(format_args!(
            "{}{padding}  {}",
            paint(terminal.stdout_colour, Style::Cyan, fault.kind),
            fault.summary
        ));
    }
    Ok(0)
}

/// Shows what a fault does, needs and risks.
pub(crate) fn show(kind: &str, output: Output, terminal: Terminal) -> Result<u8, Failure> {
    let fault = find(kind)?;
    let schema = (fault.schema)();
    if output == Output::Json {
        let all = json!({ "kind": fault.kind, "summary": fault.summary, "readme": fault.readme, "example": fault.example, "schema": schema });
        terminal.print_data(serde_json::to_string_pretty(&all).map_err(Failure::failed)?);
        return Ok(0);
    }
    let colour = terminal.stdout_colour;
    for line in fault.readme.trim_end().lines() {
        let heading = line.trim_start_matches('#');
        if heading.len() == line.len() {
            terminal.print_data(line);
        } else {
            terminal.print(paint(colour, Style::Bold, heading.trim()));
        }
    }
    terminal.print("");
    terminal.print(paint(colour, Style::Bold, "Parameters"));
    terminal.print("");
    let properties = schema["properties"].as_object().cloned().unwrap_or_default();
    if properties.is_empty() {
        terminal.print("none");
    }
    for (name, property) in properties {
        let required = schema["required"].as_array().is_some_and(|all| all.iter().any(|one| *one == *name));
        let default =
            property.get("default").map_or(String::new(), |value| format!(" [default: {}]", plain(value)));
        let note = if required { " (required)" } else { "" };
        let text = property["description"].as_str().unwrap_or_default().replace('\n', " ");
        terminal.print(format_args!("{}{note}  {text}{default}", paint(colour, Style::Cyan, name)));
    }
    terminal.print("");
    terminal.print(paint(colour, Style::Bold, "Example"));
    terminal.print("");
    terminal.print(fault.example.trim_end());
    Ok(0)
}

/// The fault of this name; the error names the nearest.
fn find(kind: &str) -> Result<&'static FaultKind, Failure> {
    FaultKind::find(kind).ok_or_else(|| {
        let hint = suggest(kind, FAULTS.iter().map(|fault| fault.kind))
            .unwrap_or_else(|| "`steadfast fault list` shows all".to_owned());
        Failure::usage(format!("there is no fault `{kind}`")).hint(Some(hint))
    })
}

/// A value as it would be written in a document.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

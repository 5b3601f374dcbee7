//! Problems as people read them, and as programs do.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::{
    problem::{Problem, Problems, Severity, Span},
    text::harmless as clean,
};

/// More problems than this are counted, not shown.
const MOST_SHOWN: usize = 50;
/// Longer source lines are cut, in characters.
const LONGEST_LINE: usize = 160;

/// One block a problem: what is wrong, where, the line it is about and what to try.
#[must_use]
pub fn render(problems: &Problems, file: &str, source: &str, colour: bool) -> String {
    let paint = Paint { colour };
    let mut out = String::new();
    for problem in problems.all().iter().take(MOST_SHOWN) {
        if !out.is_empty() {
            out.push('\n');
        }
        block(&mut out, problem, file, source, &paint);
    }
    let more = problems.all().len().saturating_sub(MOST_SHOWN);
    if more > 0 {
        out.push_str(&format!("\n… and {more} more\n"));
    }
    out
}

/// A list with one object a problem: severity, path, message, hint, file, line, column, length.
#[must_use]
pub fn to_json(problems: &Problems, file: &str) -> Value {
    let one = |problem: &Problem| {
        json!({
            "severity": problem.severity,
            "path": problem.path.to_string(),
            "message": problem.message,
            "hint": problem.hint,
            "file": file,
            "line": problem.span.map(|span| span.line),
            "column": problem.span.map(|span| span.column),
            "length": problem.span.map(|span| span.length),
        })
    };
    Value::Array(problems.all().iter().map(one).collect())
}

fn block(out: &mut String, problem: &Problem, file: &str, source: &str, paint: &Paint) {
    let (word, code) = match problem.severity {
        Severity::Error => ("error", "1;31"),
        Severity::Warning => ("warning", "1;33"),
    };
    let mut line = |text: String| out.push_str(&(text + "\n"));
    line(format!("{}: {}", paint.with(code, word), paint.with("1", &clean(&problem.message))));
    let arrow = paint.with("1;34", "-->");
    match problem.span {
        Some(span) => {
            let number = span.line.to_string();
            let margin = " ".repeat(number.len());
            line(format!("{margin}{arrow} {}:{}:{}", clean(file), span.line, span.column));
            if let Some((text, column)) = excerpt(source, span) {
                let bar = paint.with("1;34", "|");
                let run = span.length.clamp(1, text.chars().count().saturating_sub(column - 1).max(1));
                line(format!("{margin} {bar}"));
                line(format!("{} {bar} {text}", paint.with("1;34", &number)));
                let carets = paint.with(code, &"^".repeat(run));
                line(format!("{margin} {bar} {}{carets}", " ".repeat(column - 1)));
            }
        }
        None => line(format!(" {arrow} {}", clean(file))),
    }
    if let Some(hint) = &problem.hint {
        line(format!("{}: {}", paint.with("1;36", "help"), clean(hint)));
    }
}

/// The line a span is on, cut around it when it is long, and the span's column in what is left.
fn excerpt(source: &str, span: Span) -> Option<(String, usize)> {
    let line = clean(source.lines().nth(span.line.checked_sub(1)?)?.trim_end());
    let before = span.column.saturating_sub(1).min(line.chars().count());
    if line.chars().count() <= LONGEST_LINE {
        return Some((line, before + 1));
    }
    let skipped = before.saturating_sub(LONGEST_LINE / 2);
    let mut text: String = line.chars().skip(skipped).take(LONGEST_LINE).collect();
    let mut column = before - skipped + 1;
    if skipped > 0 {
        text.insert(0, '…');
        column += 1;
    }
    if line.chars().count() > skipped + LONGEST_LINE {
        text.push('…');
    }
    Some((text, column))
}

struct Paint {
    colour: bool,
}

impl Paint {
    fn with(&self, code: &str, text: &str) -> String {
        let mut out = String::new();
        let written = match self.colour {
            true => write!(out, "\x1b[{code}m{text}\x1b[0m"),
            false => write!(out, "{text}"),
        };
        written.expect("writing to a String cannot fail");
        out
    }
}

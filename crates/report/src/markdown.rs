//! The run as Markdown: for a pull request, a summary of a CI job, a ticket.

use std::fmt::Write;

use steadfast_analysis::{MetricFinding, Verdict};

use crate::{
    story::{Series, Story},
    words,
};

/// Notes of a metric that are shown; more would bury the rest.
const MOST_NOTES: usize = 5;

/// The whole document.
pub(crate) fn document(story: &Story) -> String {
    let mut text = String::new();
    let out = &mut text;
    line(out, &format!("# {}: {}", escaped(&story.run.title), verdict_word(story)));
    line(out, "");
    head(story, out);
    faults(story, out);
    metrics(story, out);
    plan(story, out);
    line(out, "## What happened");
    line(out, "");
    for mark in &story.marks {
        line(out, &format!("- {:.1} s: {}", mark.at, escaped(&mark.what)));
    }
    documents(story, out);
    text
}

/// `held`, `refuted`, `inconclusive` or `unfinished`.
fn verdict_word(story: &Story) -> String {
    story.conclusion.as_ref().map_or("unfinished".to_owned(), |conclusion| conclusion.verdict.to_string())
}

fn head(story: &Story, out: &mut String) {
    match &story.conclusion {
        Some(conclusion) => {
            let sentence = escaped(&conclusion.reason.sentence);
            line(out, &format!("**{}** ({}). {sentence}", conclusion.verdict, conclusion.outcome));
        }
        None => line(
            out,
            "**unfinished**. This run was never concluded: the process that wrote it died. Nothing can be said about the hypothesis.",
        ),
    }
    match story.recovery {
        Some(Some(seconds)) => {
            line(out, &format!("Back in the steady state after {}.", words::duration(seconds)));
        }
        Some(None) => line(out, "Not back in the steady state within the recovery window."),
        None => {}
    }
    line(out, "");
    let began = words::instant(story.run.started_at);
    let ended = story.run.ended_at.map_or(String::new(), |at| format!(", ended {}", words::instant(at)));
    let digest = story.run.digest.get(..12).unwrap_or(&story.run.digest);
    let analysis = story.conclusion.as_ref().map_or(String::new(), |conclusion| {
        format!(" Reason {}. Analysis {}.", code(&conclusion.reason.code), escaped(&conclusion.analysis))
    });
    let run = code(&story.run.name);
    line(out, &format!("Run {run}, began {began}{ended}. Document {}.{analysis}", code(digest)));
    line(out, "");
}

/// Fault by fault, when there were several.
fn faults(story: &Story, out: &mut String) {
    if story.faults().is_empty() {
        return;
    }
    line(out, "## Fault by fault");
    line(out, "");
    for fault in story.faults() {
        let (name, sentence) = (escaped(&fault.fault), escaped(&fault.reason.sentence));
        line(out, &format!("- **{}** {name}: {sentence}", fault.verdict));
    }
    line(out, "");
}

fn metrics(story: &Story, out: &mut String) {
    if story.series.is_empty() {
        return;
    }
    line(out, "## What was measured");
    line(out, "");
    line(out, "| metric | verdict | bad before | bad under the fault | measured |");
    line(out, "|---|---|---|---|---|");
    for (index, series) in story.series.iter().enumerate() {
        let mut row = |name: &str, cells: [String; 4]| {
            line(out, &format!("| {} | {} |", escaped(name), cells.join(" | ")));
        };
        if story.found(index).next().is_none() {
            row(&series.name, ["not judged".into(), "—".into(), "—".into(), "—".into()]);
        }
        for (_, found) in story.found(index) {
            row(&found.name, cells(found));
        }
    }
    line(out, "");
    for (index, series) in story.series.iter().enumerate() {
        let sentence = |(fault, found): (Option<&str>, &MetricFinding)| {
            let under = fault.map_or(String::new(), |fault| format!("Under {}: ", escaped(fault)));
            format!(" {under}{}", escaped(&found.sentence))
        };
        let sentences: String = story.found(index).map(sentence).collect();
        line(out, &format!("- {}: {}.{sentences}", escaped(&series.name), escaped(&series.describes)));
        notes(series, out);
    }
    line(out, "");
}

fn cells(found: &MetricFinding) -> [String; 4] {
    [
        word(found.verdict).to_owned(),
        share(found.baseline_rate, found.baseline.bad, found.baseline.total),
        share(found.fault_rate, found.fault.bad, found.fault.total),
        format!("{:.0} %", found.completeness * 100.0),
    ]
}

fn notes(series: &Series, out: &mut String) {
    let mut notes: Vec<&str> = series.points.iter().filter_map(|point| point.note.as_deref()).collect();
    notes.dedup();
    for note in notes.iter().take(MOST_NOTES) {
        line(out, &format!("  - {}", escaped(note)));
    }
    if notes.len() > MOST_NOTES {
        line(out, &format!("  - and {} notes more", notes.len() - MOST_NOTES));
    }
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Held => "held",
        Verdict::Refuted => "refuted",
        Verdict::Inconclusive => "inconclusive",
    }
}

fn share(share: Option<f64>, bad: f64, total: f64) -> String {
    format!("{} ({bad:.0} of {total:.0})", words::share(share))
}

fn plan(story: &Story, out: &mut String) {
    let Some(plan) = &story.plan else { return };
    line(out, "## What was planned");
    line(out, "");
    for planned in &plan.injections {
        let fault = code(&planned.fault.to_string());
        line(
            out,
            &format!("- {fault} into {} for {}", escaped(&planned.target.to_string()), planned.duration),
        );
    }
    for command in &plan.commands {
        line(out, &format!("- {} for at most {}", escaped(&command.describes), command.deadline));
    }
    line(
        out,
        &format!(
            "- baseline {}, fault {}, recovery at most {}, one interval {}",
            plan.baseline, plan.fault, plan.recovery, plan.interval
        ),
    );
    if let Some(within) = plan.recovery_within {
        line(out, &format!("- recovery expected within {within}"));
    }
    let (alpha, beta) = (plan.alpha * 100.0, plan.beta * 100.0);
    line(out, &format!("- refuted wrongly at most {alpha} %, held wrongly at most {beta} %"));
    line(out, "");
}

fn documents(story: &Story, out: &mut String) {
    if story.documents.is_empty() {
        return;
    }
    line(out, "");
    line(out, "## Documents");
    for document in &story.documents {
        line(out, "");
        line(out, &format!("{}: {}", escaped(&document.role), code(&document.file)));
        line(out, "");
        // Longer than any in the text, so that the text cannot end it.
        let fence = "`".repeat(longest_run(&document.text).max(2) + 1);
        line(out, &format!("{fence}yaml"));
        line(out, document.text.trim_end());
        line(out, &fence);
    }
}

fn line(out: &mut String, text: &str) {
    writeln!(out, "{text}").expect("writing to a String does not fail");
}

/// Text that means itself, in one line: what the run says can neither make links nor break tables.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' => {
                out.push('\\');
                out.push(letter);
            }
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '&' => out += "&amp;",
            // So that nobody is called and no page is linked.
            '@' => out += "&#64;",
            // `www.` alone is enough for a link.
            '.' if out.ends_with(['w', 'W']) => out += "&#46;",
            letter if letter.is_control() => out.push(' '),
            letter => out.push(letter),
        }
    }
    out.replace("://", ":&#47;&#47;")
}

/// Text as code, in one line.
fn code(text: &str) -> String {
    let text: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    let fence = "`".repeat(longest_run(&text) + 1);
    let space = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{space}{text}{space}{fence}")
}

/// The most backticks in a row.
fn longest_run(text: &str) -> usize {
    text.split(|letter| letter != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_address_becomes_a_link() {
        assert_eq!(escaped("www.evil.example WWW.evil"), "www&#46;evil.example WWW&#46;evil");
    }

    #[test]
    fn no_text_can_break_out() {
        assert_eq!(
            escaped("a|b\n<img> [x](http://y) @all"),
            "a\\|b &lt;img&gt; \\[x\\](http:&#47;&#47;y) &#64;all"
        );
        assert_eq!([code("a"), code("a`b"), code("``")], ["`a`", "``a`b``", "``` `` ```"]);
    }
}

//! The run as JUnit XML, the form that CI systems read.
//!
//! Nothing but what was shown passes: a run that is inconclusive or unfinished is an `error` (the test could not be
//! carried out), never `skipped`, which most systems show as fine.

use std::fmt::Write;

use steadfast_analysis::Verdict as Found;
use steadfast_model::{Verdict, WallTime};

use crate::story::Story;

/// One test.
struct Case {
    name: String,
    result: Outcome,
}

/// What became of it: its type and message.
enum Outcome {
    Passed,
    Failed(&'static str, String),
    Error(&'static str, String),
}

/// The whole document.
pub(crate) fn document(story: &Story) -> String {
    let cases = cases(story);
    let failed = cases.iter().filter(|case| matches!(case.result, Outcome::Failed(..))).count();
    let errors = cases.iter().filter(|case| matches!(case.result, Outcome::Error(..))).count();
    let (name, experiment) = (escaped(&story.run.name), escaped(&story.run.experiment));
    let length = seconds(story);
    let counts = format!("tests=\"{}\" failures=\"{failed}\" errors=\"{errors}\"", cases.len());
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    line(&mut out, &format!("<testsuites name=\"steadfast\" {counts} time=\"{length}\">"));
    line(
        &mut out,
        &format!(
            "  <testsuite name=\"{experiment}\" {counts} skipped=\"0\" time=\"{length}\" timestamp=\"{}\">",
            moment(story.run.started_at)
        ),
    );
    line(&mut out, "    <properties>");
    let title = ("title", story.run.title.as_str());
    for (key, value) in [("run", story.run.name.as_str()), title, ("document", &story.run.digest)] {
        line(&mut out, &format!("      <property name=\"{key}\" value=\"{}\"/>", escaped(value)));
    }
    line(&mut out, "    </properties>");
    for Case { name: case, result } in &cases {
        let case = escaped(case);
        let open =
            format!("    <testcase classname=\"steadfast.{experiment}\" name=\"{case}\" time=\"{length}\"");
        let (element, kind, message) = match result {
            Outcome::Passed => {
                line(&mut out, &format!("{open}/>"));
                continue;
            }
            Outcome::Failed(kind, message) => ("failure", kind, escaped(message)),
            Outcome::Error(kind, message) => ("error", kind, escaped(message)),
        };
        line(&mut out, &format!("{open}>"));
        let text = format!("{message}\nrun {name}");
        line(&mut out, &format!("      <{element} type=\"{kind}\" message=\"{message}\">{text}</{element}>"));
        line(&mut out, "    </testcase>");
    }
    let marks: Vec<String> =
        story.marks.iter().map(|mark| format!("{:.1} s  {}", mark.at, escaped(&mark.what))).collect();
    line(&mut out, &format!("    <system-out>{}</system-out>", marks.join("\n")));
    out += "  </testsuite>\n</testsuites>\n";
    out
}

/// The hypothesis as a whole, then every metric.
fn cases(story: &Story) -> Vec<Case> {
    let Some(conclusion) = &story.conclusion else {
        let why = "the run was never concluded: the process that wrote it died";
        return vec![Case { name: "hypothesis".into(), result: Outcome::Error("unfinished", why.into()) }];
    };
    let sentence = conclusion.reason.sentence.clone();
    let result = match conclusion.verdict {
        Verdict::Held => Outcome::Passed,
        Verdict::Refuted => Outcome::Failed("refuted", sentence),
        Verdict::Inconclusive => Outcome::Error("inconclusive", sentence),
    };
    let mut cases = vec![Case { name: "hypothesis".to_owned(), result }];
    for fault in story.faults() {
        let sentence = fault.reason.sentence.clone();
        let result = match fault.verdict {
            Verdict::Held => Outcome::Passed,
            Verdict::Refuted => Outcome::Failed("refuted", sentence),
            Verdict::Inconclusive => Outcome::Error("inconclusive", sentence),
        };
        cases.push(Case { name: format!("fault {}", fault.fault), result });
    }
    for (index, series) in story.series.iter().enumerate() {
        if story.found(index).next().is_none() {
            let result = Outcome::Error("inconclusive", "it was not judged".to_owned());
            cases.push(Case { name: format!("metric {}", series.name), result });
        }
        for (fault, found) in story.found(index) {
            // What a metric shows counts only if its fault shows something: one without effect proves nothing.
            let own = fault.and_then(|fault| story.faults().iter().find(|one| one.fault == fault));
            let (of, verdict, reason) = match own {
                Some(own) => ("fault", own.verdict, &own.reason),
                None => ("run", conclusion.verdict, &conclusion.reason),
            };
            let sentence = found.sentence.clone();
            let result = match found.verdict {
                Found::Refuted if own.is_none() => Outcome::Failed("refuted", sentence),
                Found::Held | Found::Refuted if verdict == Verdict::Inconclusive => {
                    Outcome::Error("inconclusive", format!("the {of} is inconclusive: {}", reason.sentence))
                }
                Found::Held => Outcome::Passed,
                Found::Refuted => Outcome::Failed("refuted", sentence),
                Found::Inconclusive => Outcome::Error("inconclusive", sentence),
            };
            cases.push(Case { name: format!("metric {}", found.name), result });
        }
    }
    cases
}

/// How long the run took, in seconds.
fn seconds(story: &Story) -> String {
    format!("{:.3}", story.length())
}

/// As the schema wants it: UTC, without a zone.
fn moment(at: WallTime) -> String {
    jiff::Timestamp::from_microsecond(at.0).map_or_else(
        |_| "1970-01-01T00:00:00".to_owned(),
        |time| time.strftime("%Y-%m-%dT%H:%M:%S").to_string(),
    )
}

fn line(out: &mut String, text: &str) {
    writeln!(out, "{text}").expect("writing to a String does not fail");
}

/// Text that means itself in XML 1.0, which has no way to write some characters at all.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\t' | '\n' | '\r' => out.push(' '),
            '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}' => out.push(letter),
            _ => out.push('\u{fffd}'),
        }
    }
    out
}

//! The page.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use steadfast_model::Verdict;

use crate::{chart, story::Story, words};

mod metrics;
mod plan;

/// The whole page.
pub(crate) fn page(story: &Story) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                title { (story.run.name) ": " (verdict_word(story)) }
                style { (PreEscaped(include_str!("html/style.css"))) }
            }
            body {
                main {
                    (head(story))
                    (faults(story))
                    (metrics::section(story))
                    @if let Some(markup) = story.finding.as_ref().and_then(|finding| chart::evidence::chart(story, finding)) {
                        section {
                            h2 { "Evidence of harm" }
                            p.note {
                                "How strongly the counts so far speak against the hypothesis (ln E, averaged over all "
                                "metrics). It may be looked at after every interval; at the dashed line the fault ends at once."
                            }
                            (markup)
                        }
                    }
                    (plan::section(story))
                    (timeline(story))
                    (documents(story))
                }
            }
        }
    }
}

fn verdict_word(story: &Story) -> String {
    story.conclusion.as_ref().map_or("unfinished".to_owned(), |conclusion| conclusion.verdict.to_string())
}

fn head(story: &Story) -> Markup {
    let class = match story.conclusion.as_ref().map(|conclusion| conclusion.verdict) {
        Some(Verdict::Held) => "held",
        Some(Verdict::Refuted) => "refuted",
        _ => "inconclusive",
    };
    html! {
        header {
            p.name { (story.run.name) }
            h1 { (story.run.title) }
            p class=(format!("verdict {class}")) { (verdict_word(story)) }
            @match &story.conclusion {
                Some(conclusion) => {
                    p.reason { (conclusion.reason.sentence) }
                    @match story.recovery {
                        Some(Some(seconds)) => p.reason { "Back in the steady state after " (words::duration(seconds)) "." },
                        Some(None) => p.reason { "Not back in the steady state within the recovery window." },
                        None => {}
                    }
                    @if let Some(harm) = &story.harm {
                        p.note {
                            "Harm showed " (words::dated(&harm.began)) " after the fault was in place, first in " (harm.first)
                            @match &harm.ended {
                                Some(ended) => { "; it ended " (words::dated(ended)) " after the fault, last in " (harm.last) "." }
                                None => { "; its end was not seen." }
                            }
                        }
                    }
                    p.note { "Outcome: " (conclusion.outcome) ". Reason: " code { (conclusion.reason.code) } ". Analysis " (conclusion.analysis) "." }
                }
                None => p.reason { "This run was never concluded: the process that wrote it died. Nothing can be said about the hypothesis." },
            }
            p.note {
                "Began " (words::instant(story.run.started_at))
                @if let Some(end) = story.run.ended_at { ", ended " (words::instant(end)) }
                ". Document " code { (story.run.digest.get(..12).unwrap_or(&story.run.digest)) } "."
            }
        }
    }
}

/// Fault by fault, when there were several.
fn faults(story: &Story) -> Markup {
    html! {
        @if !story.faults().is_empty() {
            section {
                h2 { "Fault by fault" }
                table.timeline {
                    tbody {
                        @for fault in story.faults() {
                            tr {
                                td { span class=(format!("badge {}", fault.verdict)) { (fault.verdict) } }
                                td { b { (fault.fault) } br; (fault.reason.sentence) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn timeline(story: &Story) -> Markup {
    html! {
        section {
            h2 { "What happened" }
            table.timeline {
                tbody {
                    @for mark in &story.marks {
                        tr { td.at { (format!("{:.1} s", mark.at)) } td { (mark.what) } }
                    }
                }
            }
        }
    }
}

fn documents(story: &Story) -> Markup {
    html! {
        @if !story.documents.is_empty() {
            section {
                h2 { "Documents" }
                @for document in &story.documents {
                    details {
                        summary { (document.role) ": " (document.file) }
                        pre { (document.text) }
                    }
                }
            }
        }
    }
}

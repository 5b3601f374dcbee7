//! What was watched: a chart and the numbers, metric by metric.

use maud::{Markup, html};
use steadfast_analysis::{MetricFinding, Tally};

use crate::{
    chart,
    story::{Series, Story},
    words,
};

/// One part a metric.
pub(super) fn section(story: &Story) -> Markup {
    html! {
        @for (index, series) in story.series.iter().enumerate() {
            @let found: Vec<_> = story.found(index).collect();
            @let first = found.first().map(|(_, found)| *found);
            section {
                h2 {
                    (series.name)
                    @if let [(None, found)] = &found[..] { " " (badge(found)) }
                }
                p.note { (series.describes) }
                @if let [(None, found)] = &found[..] { p { (found.sentence) } }
                (chart::sli::chart(story, series, tolerated(story, series, first)))
                @for (fault, found) in &found {
                    @if let Some(fault) = fault {
                        h3 { "under " (fault) " " (badge(found)) }
                        p { (found.sentence) }
                    }
                    (numbers(found))
                }
            }
        }
    }
}

fn badge(found: &MetricFinding) -> Markup {
    html! { span class=(format!("badge {}", word(found))) { (word(found)) } }
}

fn word(found: &MetricFinding) -> &'static str {
    match found.verdict {
        steadfast_analysis::Verdict::Held => "held",
        steadfast_analysis::Verdict::Refuted => "refuted",
        steadfast_analysis::Verdict::Inconclusive => "inconclusive",
    }
}

/// The tolerated share; a relative tolerance needs the baseline's.
fn tolerated(story: &Story, series: &Series, found: Option<&MetricFinding>) -> Option<f64> {
    if let Some(found) = found {
        return found.tolerance.rate(found.baseline);
    }
    let plan = story.plan.as_ref()?;
    match plan.metrics.iter().find(|metric| metric.name == series.name)?.tolerance {
        steadfast_model::event::Tolerance::Absolute(share) => Some(share),
        steadfast_model::event::Tolerance::Relative(_) => None,
    }
}

fn numbers(found: &MetricFinding) -> Markup {
    let events = |tally: Tally| format!("{:.0} of {:.0}", tally.bad, tally.total);
    let ratio = found.ratio.map_or("—".to_owned(), |ratio| format!("{ratio:.2}×"));
    let interval = found.ratio_interval.map_or(String::new(), |(low, high)| {
        let high = high.map_or("∞".to_owned(), |high| format!("{high:.2}"));
        format!(" ({low:.2} to {high})")
    });
    let chance = |p: Option<f64>| p.map_or("—".to_owned(), |p| format!("{p:.4}"));
    html! {
        table.numbers {
            tbody {
                tr { th { "bad before" } td { (words::share(found.baseline_rate)) " · " (events(found.baseline)) } }
                tr { th { "bad under the fault" } td { (words::share(found.fault_rate)) " · " (events(found.fault)) } }
                tr { th { "ratio" } td { (ratio) (interval) } }
                tr { th { "dispersion" } td { (format!("{:.2} to stop, {:.2} at the end", found.dispersion.abort, found.dispersion.end)) } }
                tr { th { "measured" } td { (format!("{:.0} % of the fault window", found.completeness * 100.0)) } }
                tr { th { "p (harm), p (held)" } td { (chance(found.p_harm)) ", " (chance(found.p_held)) } }
            }
        }
    }
}

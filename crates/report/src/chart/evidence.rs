//! Evidence of harm over the fault window, against what it must reach to stop the run.

use maud::{Markup, html};
use steadfast_analysis::Finding;
use steadfast_model::Phase;

use super::{Axis, Frame, LEFT, RIGHT, WIDTH, drawing, px};
use crate::story::Story;

/// Draws the combined evidence; `None` when there was no fault window.
pub(crate) fn chart(story: &Story, finding: &Finding) -> Option<Markup> {
    let window = story.windows.iter().find(|window| window.phase == Phase::Observe)?;
    let interval = story.plan.as_ref()?.interval.seconds();
    let evidence = &finding.ln_evidence;
    let finite = || evidence.iter().copied().filter(|value| value.is_finite());
    let high = finite().fold(finding.threshold, f64::max) * 1.15;
    let low = finite().fold(0.0, f64::min).max(-10.0) - 0.5;
    let frame = Frame { seconds: story.length(), low, high };
    let mut at = window.from;
    let path = frame.line(evidence.iter().map(|value| {
        at += interval;
        (at, value.is_finite().then_some(*value))
    }));
    let reached = if finding.stopped_at.is_some() { "reached" } else { "not reached" };
    let alternative =
        format!("Evidence of harm over time; the stop at {:.2} was {reached}", finding.threshold);
    let curves = html! {
        line.tolerance x1=(LEFT) x2=(WIDTH - RIGHT) y1=(px(frame.y(finding.threshold))) y2=(px(frame.y(finding.threshold))) {}
        text.tolerance-label x=(WIDTH - RIGHT - 2.0) y=(px(frame.y(finding.threshold) - 4.0)) text-anchor="end" {
            "stop at " (format!("{:.2}", finding.threshold))
        }
        path.curve d=(path) {}
    };
    Some(drawing(story, frame, &Axis::numbers(low, high), &alternative, &curves))
}

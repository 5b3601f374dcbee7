//! Evidence of harm over the intervals under a fault, against what it must reach to stop the run.

use maud::{Markup, html};
use steadfast_analysis::Finding;
use steadfast_model::Phase;

use super::{Axis, Frame, LEFT, RIGHT, WIDTH, drawing, px};
use crate::story::Story;

/// Draws the combined evidence; `None` when there was no interval under a fault.
pub(crate) fn chart(story: &Story, finding: &Finding) -> Option<Markup> {
    let points = &story.series.first()?.points;
    let judged: Vec<f64> =
        points.iter().filter(|point| point.phase == Phase::Observe).map(|point| point.at).collect();
    if judged.is_empty() {
        return None;
    }
    let evidence = &finding.ln_evidence;
    let finite = || evidence.iter().copied().filter(|value| value.is_finite());
    let high = finite().fold(finding.threshold, f64::max) * 1.15;
    let low = finite().fold(0.0, f64::min).max(-10.0) - 0.5;
    let frame = Frame { seconds: story.length(), low, high };
    let curve = judged.iter().zip(evidence);
    let path = frame.line(curve.map(|(&at, value)| (at, value.is_finite().then_some(*value))));
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

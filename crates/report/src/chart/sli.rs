//! The share of bad events over time, with what was tolerated.

use maud::{Markup, html};

use super::{Axis, Frame, LEFT, RIGHT, WIDTH, drawing, px};
use crate::{
    story::{Series, Story},
    words,
};

/// Draws one metric.
pub(crate) fn chart(story: &Story, series: &Series, tolerated: Option<f64>) -> Markup {
    let worst = series.points.iter().filter_map(crate::Point::share).fold(0.0, f64::max);
    let high = worst.max(tolerated.unwrap_or(0.0) * 1.6).clamp(0.001, 1.0) * 1.05;
    let frame = Frame { seconds: story.length(), low: 0.0, high };
    let path = frame.line(series.points.iter().map(|point| (point.at, point.share())));
    let alternative = format!(
        "Share of bad events of {} over {}; largest {}, tolerated {}",
        series.name,
        words::duration(story.length()),
        words::share(Some(worst)),
        words::share(tolerated),
    );
    let curves = html! {
        @if let Some(tolerated) = tolerated {
            line.tolerance x1=(LEFT) x2=(WIDTH - RIGHT) y1=(px(frame.y(tolerated))) y2=(px(frame.y(tolerated))) {}
            text.tolerance-label x=(WIDTH - RIGHT - 2.0) y=(px(frame.y(tolerated) - 4.0)) text-anchor="end" {
                "tolerated " (words::share(Some(tolerated)))
            }
        }
        path.curve d=(path) {}
        @for point in series.points.iter().filter(|point| point.increment.is_none()) {
            text.gap x=(px(frame.x(point.at))) y=(px(frame.y(0.0) - 2.0)) text-anchor="middle" {
                "×" title { "not measured" @if let Some(note) = &point.note { ": " (note) } }
            }
        }
    };
    drawing(story, frame, &Axis::shares(high), &alternative, &curves)
}

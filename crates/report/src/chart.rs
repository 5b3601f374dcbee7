//! Charts as SVG, drawn by hand: small, sharp at any size, readable in print, and with a text alternative.

use maud::{Markup, html};
use steadfast_model::Phase;

use crate::story::{Story, Window};

mod axis;
pub(crate) mod evidence;
pub(crate) mod sli;

use axis::Axis;

/// Width of a drawing in its own units.
const WIDTH: f64 = 760.0;
/// Height of a drawing.
const HEIGHT: f64 = 200.0;
/// Room for the labels on the left.
const LEFT: f64 = 56.0;
/// Room for the labels below.
const BOTTOM: f64 = 24.0;
/// Room above the curves.
const TOP: f64 = 14.0;
/// Room on the right.
const RIGHT: f64 = 12.0;

/// Where a value lies in the drawing.
#[derive(Clone, Copy)]
struct Frame {
    seconds: f64,
    low: f64,
    high: f64,
}

impl Frame {
    fn x(self, at: f64) -> f64 {
        LEFT + (at / self.seconds).clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT)
    }

    fn y(self, value: f64) -> f64 {
        let share = ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP)
    }

    /// A broken line through the points; a `None` breaks it.
    fn line(self, points: impl Iterator<Item = (f64, Option<f64>)>) -> String {
        let mut path = String::new();
        let mut pen_down = false;
        for (at, value) in points {
            match value {
                Some(value) => {
                    let command = if pen_down { 'L' } else { 'M' };
                    path.push_str(&format!("{command}{:.1} {:.1}", self.x(at), self.y(value)));
                    // A lone point is drawn as a short stroke, or it would not be seen.
                    if !pen_down {
                        path.push_str("h0.1");
                    }
                    pen_down = true;
                }
                None => pen_down = false,
            }
        }
        path
    }
}

/// A drawing with windows shaded, axes, marks and the given curves.
fn drawing(story: &Story, frame: Frame, axis: &Axis, alternative: &str, curves: &Markup) -> Markup {
    html! {
        svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label=(alternative) xmlns="http://www.w3.org/2000/svg" {
            title { (alternative) }
            @for window in &story.windows { (shade(frame, window)) }
            @for (value, label) in axis.ticks() {
                line.grid x1=(LEFT) x2=(WIDTH - RIGHT) y1=(px(frame.y(value))) y2=(px(frame.y(value))) {}
                text.label x=(LEFT - 6.0) y=(px(frame.y(value) + 3.5)) text-anchor="end" { (label) }
            }
            @for (at, label) in Axis::seconds(frame.seconds).ticks() {
                text.label x=(px(frame.x(at))) y=(HEIGHT - 8.0) text-anchor="middle" { (label) }
            }
            (curves)
            @for mark in story.marks.iter().filter(|mark| mark.on_charts) {
                line.mark x1=(px(frame.x(mark.at))) x2=(px(frame.x(mark.at))) y1=(TOP) y2=(HEIGHT - BOTTOM) {
                    title { (mark.what) }
                }
            }
        }
    }
}

fn shade(frame: Frame, window: &Window) -> Markup {
    let (class, name) = match window.phase {
        Phase::Baseline => ("baseline", "baseline"),
        Phase::Recover => ("recovery", "recovery"),
        _ => ("fault", "fault"),
    };
    let (from, to) = (frame.x(window.from), frame.x(window.to));
    html! {
        rect class=(class) x=(px(from)) y=(TOP) width=(px(to - from)) height=(HEIGHT - TOP - BOTTOM) {}
        text.window x=(px(f64::midpoint(from, to))) y=(TOP - 4.0) text-anchor="middle" { (name) }
    }
}

/// A coordinate with one decimal, so that files stay small and stable.
fn px(value: f64) -> String {
    format!("{value:.1}")
}

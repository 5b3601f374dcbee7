//! Open-loop load: 20,000 requests a second from one core, with its own lateness shown.

use anyhow::{Context, Result, ensure};

use super::{
    Found, Gate, Row,
    example::{lines, numbers},
};
use crate::program::root;

const EXAMPLE: &str = "load_rate";
/// Requests a second.
const RATE: f64 = 20_000.0;

/// Measures, once the example that does is there.
pub(super) fn measure() -> Result<Found> {
    if !root().join(format!("crates/host/examples/{EXAMPLE}.rs")).exists() {
        let notes = vec![format!("Not measured: there is no example `{EXAMPLE}` of the host yet.")];
        return Ok(Found { rows: Vec::new(), notes });
    }
    rows(&lines("host", EXAMPLE, &["5"])?)
}

/// Lines of numbers: asked for, due and good a second, bad, then how late requests left: p50, p99, most, in µs.
fn rows(lines: &[String]) -> Result<Found> {
    let fastest = lines.iter().map(|line| numbers(line)).find(|numbers| numbers.first() == Some(&RATE));
    let fastest = fastest.with_context(|| format!("the {EXAMPLE} example measured no {RATE} a second"))?;
    ensure!(fastest.len() >= 7, "a line of {EXAMPLE} has seven numbers: {fastest:?}");
    let rows = vec![
        Row::new("good requests a second from one core", fastest[2], RATE, "asked for", Gate::AtLeast(0.99)),
        Row::within("requests that failed", fastest[3], 0.0),
        Row::shown("how late a request leaves, p50, µs", fastest[4]),
        Row::shown("how late a request leaves, p99, µs", fastest[5]),
    ];
    Ok(Found { rows, notes: Vec::new() })
}

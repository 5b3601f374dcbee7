//! How long judging a million intervals takes one core.

use anyhow::{Context, Result, ensure};

use super::{
    Found, Row,
    example::{lines, numbers},
};

/// The longest, in seconds.
const LATEST: f64 = 1.0;

/// Measures: one row for each kind of metric.
pub(super) fn measure() -> Result<Found> {
    let mut found = Found::default();
    for line in lines("analysis", "million", &[])? {
        let (what, rest) = line.split_once(": ").context("a line names a kind of metric")?;
        let seconds = numbers(rest).last().copied().context("a line ends with seconds")?;
        found.rows.push(Row::within(format!("{what}, s"), seconds, LATEST));
    }
    ensure!(!found.rows.is_empty(), "the million example printed nothing");
    Ok(found)
}

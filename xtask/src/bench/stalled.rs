//! How soon a thousand stalled connections go on when the rule is removed.

use anyhow::{Result, ensure};

use super::{
    Found, Row,
    example::{lines, numbers},
};

const CONNECTIONS: &str = "1000";
const TIMES: usize = 9;
/// The longest until the last client has its last byte, in ms.
const LATEST: f64 = 10.0;

/// Measures. The clients live in the proxy's process, so their reading counts too.
pub(super) fn measure() -> Result<Found> {
    let mut took: Vec<f64> = lines("proxy", "stalled", &[CONNECTIONS, &TIMES.to_string()])?
        .iter()
        .filter_map(|line| numbers(line).first().copied())
        .collect();
    ensure!(took.len() == TIMES, "the stalled example printed {} times, not {TIMES}", took.len());
    took.sort_by(f64::total_cmp);
    let rows = vec![
        Row::within("removal to the last byte, median of 9, ms", took[TIMES / 2], LATEST),
        Row::shown("the slowest of 9, ms", took[TIMES - 1]),
    ];
    Ok(Found { rows, notes: Vec::new() })
}

//! How exactly packets are delayed and lost in a network namespace, and what TCP carries meanwhile.

use anyhow::{Result, ensure};
use steadfast_testkit::NetnsPair;

use super::{
    Found, Gate, Row,
    example::{lines, numbers},
};

/// The delay that is gated, the most its median may be off the sleeper's, in ms, and what TCP must carry, in Gbit/s.
const DELAY: f64 = 10.0;
const OFF: f64 = 0.4;
const CARRIED: f64 = 1.0;

/// Measures.
pub(super) fn measure() -> Result<Found> {
    if !NetnsPair::may_be_made() {
        let note = "Not measured: network namespaces need root.".to_owned();
        return Ok(Found { rows: Vec::new(), notes: vec![note] });
    }
    let rows = rows(&lines("linux", "network_fidelity", &[])?)?;
    Ok(Found { rows, notes: Vec::new() })
}

fn rows(lines: &[String]) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for line in lines {
        let direction =
            line.split_whitespace().nth(2).unwrap_or_default().trim_end_matches(':').to_lowercase();
        match &numbers(line)[..] {
            [_share, lost, _sent, _percent, low, high] if line.starts_with("loss") => {
                rows.push(loss(*lost, *low, *high));
            }
            [out, into] if line.starts_with("nothing held: TCP") => {
                rows.push(Row::shown("nothing held: TCP out, Gbit/s", *out));
                rows.push(Row::shown("nothing held: TCP in, Gbit/s", *into));
            }
            [delay, out, into] if *delay == DELAY && line.contains("TCP") => {
                for (way, carried) in [("out", out), ("in", into)] {
                    let what = format!("networkDelay of {delay} ms, {direction}: TCP {way}, Gbit/s");
                    rows.push(Row::new(what, *carried, CARRIED, "asked for", Gate::AtLeast(1.0)));
                }
            }
            [delay, .., off] if line.contains("difference") => {
                let what = format!("networkDelay of {delay} ms, {direction}: p50 off the sleeper's, ms");
                let gated = *delay == DELAY;
                rows.push(if gated {
                    Row::within(what, off.abs(), OFF)
                } else {
                    Row::shown(what, off.abs())
                });
            }
            _ => {}
        }
    }
    let gated = rows.iter().filter(|row| row.gate != Gate::None).count();
    ensure!(gated == 7, "network_fidelity printed {gated} gated numbers, not 7: {lines:?}");
    Ok(rows)
}

/// Beside half of the interval in which 99 % of fair losses lie.
fn loss(lost: f64, low: f64, high: f64) -> Row {
    let (middle, reach) = ((low + high) / 2.0, (high - low) / 2.0);
    Row::within("networkLoss: packets of 20,000 off 10 %", (lost - middle).abs(), reach)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_lines_become_rows() {
        let text = "nothing held: round trip p50 0.020 ms\n\
            nothing held: TCP out 8.50 Gbit/s, in 8.40 Gbit/s\n\
            loss of 10%: 2013 of 20000; 99% of runs lie between 1891 and 2109\n\
            1 ms Ingress: p50 1.1 ms, p99 1.2 ms; sleeper p50 1.0 ms, p99 1.1 ms; difference of p50 0.100 ms\n\
            10 ms Ingress: p50 10.1 ms, p99 10.2 ms; sleeper p50 10.0 ms, p99 10.1 ms; difference of p50 0.100 ms\n\
            10 ms Ingress: TCP out 4.00 Gbit/s, in 3.00 Gbit/s\n\
            10 ms Egress: p50 10.6 ms, p99 10.9 ms; sleeper p50 10.0 ms, p99 10.1 ms; difference of p50 0.600 ms\n\
            10 ms Egress: TCP out 0.90 Gbit/s, in 3.00 Gbit/s\n";
        let rows = rows(&text.lines().map(str::to_owned).collect::<Vec<_>>()).unwrap();
        let failed: Vec<_> = rows.iter().filter(|row| !row.holds()).map(|row| row.what.as_str()).collect();
        assert_eq!(
            failed,
            [
                "networkDelay of 10 ms, egress: p50 off the sleeper's, ms",
                "networkDelay of 10 ms, egress: TCP out, Gbit/s"
            ]
        );
        assert!(rows.iter().any(|row| row.what.starts_with("networkLoss") && row.ours == 13.0), "{rows:?}");
    }
}

//! How exactly the proxy delays, beside a bare sleeper of the same run, and how exactly it holds a rate.

use anyhow::{Context, Result};

use super::{
    Found, Row,
    example::{lines, numbers},
};

/// The most that the median and the 99th percentile may be off the sleeper's, in ms.
const OFF: (f64, f64) = (0.1, 1.0);
/// The most a rate may be off, in percent.
const RATE_OFF: f64 = 2.0;
/// The slowest rate that is gated, in Mbit/s: below it one packet is too much of a second.
const SLOWEST: f64 = 10.0;

/// Measures.
pub(super) fn measure() -> Result<Found> {
    let mut found = Found::default();
    found.rows.extend(delays(&lines("proxy", "fidelity", &["300"])?)?);
    found.rows.extend(rates(&lines("proxy", "bandwidth", &["3"])?)?);
    Ok(found)
}

/// Lines `1ms tcp 1.06ms 1.20ms +0.01ms`: delay, what, p50, p99. The sleeper's comes before the others of its delay.
fn delays(lines: &[String]) -> Result<Vec<Row>> {
    let (mut rows, mut sleeper) = (Vec::new(), None);
    for line in lines.iter().skip(1) {
        let what = line.split_whitespace().nth(1).context("a line of the fidelity example has two words")?;
        let [delay, p50, p99, ..] = numbers(line)[..] else { continue };
        if what == "sleeper" {
            sleeper = Some((p50, p99));
            continue;
        }
        let (bare50, bare99) = sleeper.context("the sleeper comes first")?;
        let name = format!("{what}Delay of {delay} ms");
        // Nobody waits for less than was asked for; the sleeper may have had a bad moment.
        rows.push(Row::within(format!("{name}: p50 off the sleeper's, ms"), (p50 - bare50).abs(), OFF.0));
        rows.push(Row::within(
            format!("{name}: p99 above the sleeper's, ms"),
            (p99 - bare99).max(0.0),
            OFF.1,
        ));
    }
    anyhow::ensure!(rows.len() == 12, "the fidelity example printed {} rows, not 12", rows.len());
    Ok(rows)
}

/// Lines `10Mbit/s downstream 9.998 Mbit/s -0.02% …`.
fn rates(lines: &[String]) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for line in lines.iter().skip(1) {
        let mut words = line.split_whitespace();
        let (rate, stream) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let [_, measured, off, ..] = numbers(line)[..] else { continue };
        if measured >= SLOWEST * 0.9 {
            rows.push(Row::within(format!("tcpBandwidth of {rate}, {stream}: off, %"), off.abs(), RATE_OFF));
        }
    }
    anyhow::ensure!(rows.len() == 10, "the bandwidth example printed {} rows, not 10", rows.len());
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_are_compared_with_the_sleeper_of_their_length() {
        let one = |delay: u32| {
            format!(
                "{delay}ms sleeper {delay}.06ms {delay}.10ms +0.000ms\n{delay}ms tcp {delay}.08ms {delay}.05ms +0.020ms\n{delay}ms http {delay}.30ms {delay}.90ms +0.240ms\n"
            )
        };
        let text = format!("delay what p50 p99 beside\n{}{}{}", one(1), one(10), one(100));
        let rows = delays(&text.lines().map(str::to_owned).collect::<Vec<_>>()).unwrap();
        assert!(rows[0].holds() && rows[1].holds() && !rows[2].holds() && rows[3].holds(), "{rows:?}");
        assert!(delays(&["only a heading".to_owned()]).is_err());
    }
}

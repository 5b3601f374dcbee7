//! How exactly the proxy delays, beside a bare sleeper of the same run, and how exactly it holds a rate. Meanwhile
//! [`Awake`] keeps processors from halting: a delayed message wakes more of them than the sleeper does.

use anyhow::{Context, Result};

use super::{
    Found, Row,
    awake::Awake,
    example::{lines, numbers},
    row::middle,
};

/// The most that the median and the 99th percentile may be off the sleeper's, in ms.
const OFF: (f64, f64) = (0.1, 1.0);
/// The most a rate may be off, in percent.
const RATE_OFF: f64 = 2.0;
/// How often all of them are measured, and how many times each.
const TURNS: &str = "5";
const ROUNDS: &str = "100";
/// The slowest rate that is gated, in Mbit/s: below it one packet is too much of a second.
const SLOWEST: f64 = 10.0;

/// Measures.
pub(super) fn measure() -> Result<Found> {
    let mut found = Found::default();
    let mut awake = Awake::begin()?;
    found.rows.extend(delays(&lines("proxy", "fidelity", &[TURNS, ROUNDS])?)?);
    found.rows.extend(rates(&lines("proxy", "bandwidth", &["3"])?)?);
    awake.ensure_whole()?;
    Ok(found)
}

/// Lines `1ms tcp 1.06ms 1.20ms +0.01ms`: delay, what, p50, p99. The sleeper's comes before the others of its turn.
///
/// What counts is the median of the differences of all turns: a virtual machine that stands still for some milliseconds
/// moves the p99 of the turn it meets, whoever is measured.
fn delays(lines: &[String]) -> Result<Vec<Row>> {
    let (mut found, mut sleeper) = (Vec::<(String, Vec<f64>, Vec<f64>)>::new(), None);
    for line in lines.iter().skip(1) {
        let what = line.split_whitespace().nth(1).context("a line of the fidelity example has two words")?;
        let [delay, p50, p99, ..] = numbers(line)[..] else { continue };
        if what == "sleeper" {
            sleeper = Some((p50, p99));
            continue;
        }
        let (bare50, bare99) = sleeper.context("the sleeper comes first")?;
        let name = format!("{what}Delay of {delay} ms");
        let index = found.iter().position(|(of, ..)| *of == name).unwrap_or_else(|| {
            found.push((name, Vec::new(), Vec::new()));
            found.len() - 1
        });
        found[index].1.push(p50 - bare50);
        found[index].2.push(p99 - bare99);
    }
    anyhow::ensure!(found.len() == 6, "the fidelity example printed {} delays, not 6", found.len());
    let rows = |(name, p50, p99): (String, _, _)| {
        // Nobody waits for less than was asked for; the sleeper may have had a bad moment.
        let (off, above) = (middle(p50).abs(), middle(p99).max(0.0));
        [
            Row::within(format!("{name}: p50 off the sleeper's, ms"), off, OFF.0),
            Row::within(format!("{name}: p99 above the sleeper's, ms"), above, OFF.1),
        ]
    };
    Ok(found.into_iter().flat_map(rows).collect())
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
    fn delays_are_compared_with_the_sleeper_of_their_turn_and_one_bad_turn_of_three_does_not_count() {
        let turn = |delay: u32, http: &str, late: &str| {
            format!(
                "{delay}ms sleeper {delay}.06ms {delay}.10ms +0.000ms\n{delay}ms tcp {delay}.08ms {delay}.05ms +0.020ms\n{delay}ms http {delay}.{http}ms {delay}.{late}ms +0.240ms\n"
            )
        };
        let one = |delay| turn(delay, "30", "50") + &turn(delay, "10", "90") + &turn(delay, "40", "60");
        let text = format!("delay what p50 p99 beside\n{}{}{}", one(1), one(10), one(100));
        let rows = delays(&text.lines().map(str::to_owned).collect::<Vec<_>>()).unwrap();
        assert!(rows[0].holds() && rows[1].holds() && !rows[2].holds() && rows[3].holds(), "{rows:?}");
        assert!((rows[2].ours - 0.24).abs() < 1e-9 && (rows[3].ours - 0.5).abs() < 1e-9, "{rows:?}");
        assert!(delays(&["only a heading".to_owned()]).is_err());
    }
}

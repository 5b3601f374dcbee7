//! How long injecting and reverting takes, fault by fault, with reaper and ledger as in a run.

use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::{
    Found, Row,
    example::{lines, numbers},
};

/// So that what 99 of 100 stay below is not just the longest.
const TIMES: &str = "100";
/// The longest, in ms.
const LATEST: f64 = 50.0;

/// Measures.
pub(super) fn measure(binary: &Path) -> Result<Found> {
    let binary = binary.to_str().context("the path is UTF-8")?;
    found(&lines("host", "injections", &[binary, TIMES])?)
}

/// Lines `tcpDelay 1.2 2.3 0.8 1.0`: p50 and p99 of injecting, then of reverting, in ms.
fn found(lines: &[String]) -> Result<Found> {
    let mut found = Found::default();
    for line in lines {
        let (kind, rest) = line.split_once(' ').context("a line has two words")?;
        if let Some(why) = rest.strip_prefix("not injected: ") {
            // What needs root is said; everything else is a gate that does not hold.
            match why.contains("need root") {
                true => found.notes.push(format!("{kind} was not measured: {why}.")),
                false => found.rows.push(Row::within(format!("{kind}: {why}"), f64::NAN, LATEST)),
            }
        } else if kind == "first" {
            let first = numbers(rest).first().copied().context("a number")?;
            found.rows.push(Row::shown("the first injection, which starts the reaper too, ms", first));
        } else {
            let times = numbers(rest);
            for (what, pair) in ["injecting", "reverting"].into_iter().zip(times.chunks(2)) {
                let [p50, p99] = pair else { continue };
                let what = format!("{kind}: {what}, p99, ms (p50 {p50:.2})");
                found.rows.push(Row::within(what, *p99, LATEST));
            }
            if times.len() == 2 {
                found.notes.push(format!("{kind} cannot be taken back: there is nothing to revert."));
            }
        }
    }
    ensure!(found.rows.len() > 2, "the injections example printed nothing: {lines:?}");
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_that_was_not_injected_holds_no_gate_unless_it_needs_root() {
        let lines = [
            "first 33.1",
            "tcpDelay 1.0 2.0 3.0 51.0",
            "processKill 1.0 2.0 - -",
            "networkLoss not injected: network namespaces need root",
            "cpuStress not injected: no such target",
        ];
        let found = found(&lines.map(str::to_owned)).unwrap();
        let failed: Vec<_> =
            found.rows.iter().filter(|row| !row.holds()).map(|row| row.what.as_str()).collect();
        assert_eq!(failed, ["tcpDelay: reverting, p99, ms (p50 3.00)", "cpuStress: no such target"]);
        assert_eq!(found.notes.len(), 2, "{:?}", found.notes);
    }
}

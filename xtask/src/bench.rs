//! `cargo xtask bench`: how fast Steadfast is beside a named rival or a physical limit, both measured in the same run.
//!
//! What gates is a ratio, as both sides feel the same machine in the same minute. The absolute numbers are written to
//! `docs/benchmarks.md`, with the processor, its cores and the kernel.

use std::{fmt, fs};

use anyhow::{Result, bail};

use crate::program::{cargo, root, run};

mod carry;
mod cpu;
mod machine;
mod page;
mod proxies;
mod proxy;

/// What to measure.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct BenchArguments {
    /// Only these; all when none is named
    #[arg(value_enum)]
    only: Vec<Bench>,
    /// Measure without writing `docs/benchmarks.md`
    #[arg(long)]
    dry_run: bool,
}

/// One thing that is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Bench {
    /// The proxy with nothing injected, beside HAProxy in TCP mode and a direct connection
    Proxy,
}

/// What was found.
#[derive(Debug, Clone)]
struct Row {
    /// What was measured, with its unit.
    what: String,
    ours: f64,
    rival: f64,
    /// Who or what the rival is.
    against: String,
    gate: Gate,
}

/// What the ratio of ours to the rival's must be.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Gate {
    AtMost(f64),
    AtLeast(f64),
}

impl Row {
    fn ratio(&self) -> f64 {
        self.ours / self.rival
    }

    /// Whether the gate holds. What could not be measured never does, and a cost that is not above zero was not measured.
    fn holds(&self) -> bool {
        let ratio = self.ratio();
        ratio.is_finite()
            && self.ours > 0.0
            && self.rival > 0.0
            && match self.gate {
                Gate::AtMost(most) => ratio <= most,
                Gate::AtLeast(least) => ratio >= least,
            }
    }
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(most) => write!(f, "at most {most}"),
            Self::AtLeast(least) => write!(f, "at least {least}"),
        }
    }
}

/// Measures, writes the page, fails when a gate does not hold.
pub(crate) fn bench(arguments: &BenchArguments) -> Result<()> {
    run(cargo(&["build", "--release", "--quiet", "--locked", "--package", "steadfast"]))?;
    let binary = root().join("target/release/steadfast");
    let wanted = |bench| arguments.only.is_empty() || arguments.only.contains(&bench);
    let mut sections = Vec::new();
    if wanted(Bench::Proxy) {
        sections.push(("Proxy with nothing injected", proxy::measure(&binary)?));
    }
    let text = page::page(&sections);
    say(&text);
    if !arguments.dry_run && arguments.only.is_empty() {
        fs::write(root().join("docs/benchmarks.md"), &text)?;
    }
    let failed: Vec<_> = sections
        .iter()
        .flat_map(|(_, rows)| rows)
        .filter(|row| !row.holds())
        .map(|row| {
            format!("{}: {:.2} times {}, where {} is allowed", row.what, row.ratio(), row.against, row.gate)
        })
        .collect();
    if !failed.is_empty() {
        bail!("{}", failed.join("\n"));
    }
    Ok(())
}

fn say(line: &str) {
    #[expect(clippy::print_stdout, reason = "tells people what was measured")]
    {
        println!("{line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_holds_by_the_ratio_and_never_without_a_measurement() {
        let row = |ours, rival, gate| Row { what: String::new(), ours, rival, against: String::new(), gate };
        assert!(row(11.0, 10.0, Gate::AtMost(1.1)).holds() && !row(11.2, 10.0, Gate::AtMost(1.1)).holds());
        assert!(row(9.0, 10.0, Gate::AtLeast(0.9)).holds() && !row(8.9, 10.0, Gate::AtLeast(0.9)).holds());
        assert!(!row(-2.0, 36.0, Gate::AtMost(1.1)).holds(), "less than nothing is no cost");
        assert!(!row(0.0, 0.0, Gate::AtMost(1.1)).holds() && !row(1.0, 0.0, Gate::AtLeast(0.9)).holds());
    }
}

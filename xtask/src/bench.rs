//! `cargo xtask bench`: how fast Steadfast is beside a named rival or a physical limit, both measured in the same run.
//!
//! What gates is a ratio, as both sides feel the same machine in the same minute. The absolute numbers are written to
//! `docs/benchmarks.md`, with the processor, its cores and the kernel. A virtual machine's neighbours disturb: a section
//! whose gate fails is measured once more, and both results are shown.

use std::{fs, path::PathBuf};

use anyhow::{Result, bail};

use crate::{
    program::{cargo, root, run},
    say::say,
};

mod awake;
mod carry;
mod cpu;
mod example;
mod fidelity;
mod idle;
mod injections;
mod judging;
mod load;
mod machine;
mod network;
mod page;
mod proxies;
mod proxy;
mod row;
mod stalled;

use row::{Gate, Row};

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
    /// How exactly the proxy delays and holds a rate
    Fidelity,
    /// How exactly packets are delayed and lost in a network namespace, and what TCP carries meanwhile
    Network,
    /// How soon a thousand stalled connections go on
    Stalled,
    /// How long injecting and reverting takes, fault by fault
    Injections,
    /// Memory of a run that waits
    Idle,
    /// How long judging a million intervals takes
    Judging,
    /// Open-loop load from one core
    Load,
}

/// What a section found.
#[derive(Debug, Default)]
struct Found {
    rows: Vec<Row>,
    /// What else is to be said, one line each.
    notes: Vec<String>,
}

/// A section of the page.
#[derive(Debug)]
struct Section {
    title: &'static str,
    found: Found,
    /// What an earlier try found, whose gates did not all hold.
    before: Option<Found>,
}

impl Bench {
    const ALL: [Self; 8] = [
        Self::Proxy,
        Self::Fidelity,
        Self::Network,
        Self::Stalled,
        Self::Injections,
        Self::Idle,
        Self::Judging,
        Self::Load,
    ];

    fn title(self) -> &'static str {
        match self {
            Self::Proxy => "Proxy with nothing injected",
            Self::Fidelity => "Delays and rates of the proxy",
            Self::Network => "Packets in a network namespace",
            Self::Stalled => "A thousand stalled connections",
            Self::Injections => "Injecting and reverting",
            Self::Idle => "A run that waits",
            Self::Judging => "Judging a million intervals",
            Self::Load => "Open-loop load",
        }
    }

    fn measure(self) -> Result<Found> {
        match self {
            Self::Proxy => proxy::measure(&binary()?),
            Self::Fidelity => fidelity::measure(),
            Self::Network => network::measure(),
            Self::Stalled => stalled::measure(),
            Self::Injections => injections::measure(&binary()?),
            Self::Idle => idle::measure(&binary()?),
            Self::Judging => judging::measure(),
            Self::Load => load::measure(),
        }
    }

    /// Measures, and once more when a gate does not hold.
    fn section(self) -> Result<Section> {
        let (mut found, mut before) = (self.measure()?, None);
        if found.rows.iter().any(|row| !row.holds()) {
            say(&page::table(&found));
            say("a gate does not hold: once more");
            before = Some(found);
            found = self.measure()?;
        }
        Ok(Section { title: self.title(), found, before })
    }
}

/// Measures, writes the page, fails when a gate does not hold.
pub(crate) fn bench(arguments: &BenchArguments) -> Result<()> {
    let mut sections = Vec::new();
    for bench in Bench::ALL {
        if arguments.only.is_empty() || arguments.only.contains(&bench) {
            say(&format!("== {}", bench.title()));
            let section = bench.section()?;
            say(&page::table(&section.found));
            sections.push(section);
        }
    }
    if !arguments.dry_run && arguments.only.is_empty() {
        fs::write(root().join("docs/benchmarks.md"), page::page(&sections)?)?;
    }
    let rows = sections.iter().flat_map(|section| &section.found.rows);
    let failed: Vec<String> = rows.filter(|row| !row.holds()).map(Row::failure).collect();
    if !failed.is_empty() {
        bail!("{}", failed.join("\n"));
    }
    Ok(())
}

/// The program, built for speed.
fn binary() -> Result<PathBuf> {
    run(cargo(&["build", "--release", "--quiet", "--locked", "--package", "steadfast"]))?;
    Ok(root().join("target/release/steadfast"))
}

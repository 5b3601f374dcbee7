//! `runs list | show | replay | diff | report | export | import`.

use std::path::PathBuf;

use clap::Subcommand;

use super::Output;

/// `steadfast runs`
#[derive(Debug, Subcommand)]
pub(crate) enum RunsCommand {
    /// List runs, newest first
    #[command(after_help = "\
Examples:
  steadfast runs list
  steadfast runs list --experiment risk-slow --verdict refuted
  steadfast runs list --label team=payments --since 7d
  steadfast runs list --output json")]
    List {
        /// Only runs of this experiment
        #[arg(long, value_name = "NAME")]
        experiment: Option<String>,
        /// Only runs with this verdict
        #[arg(long, value_name = "VERDICT", value_parser = ["held", "refuted", "inconclusive"])]
        verdict: Option<String>,
        /// Only runs that ended like this
        #[arg(long, value_name = "OUTCOME", value_parser = ["completed", "stopped", "refused", "failed"])]
        outcome: Option<String>,
        /// Only runs that verify this claim
        #[arg(long, value_name = "NAME")]
        claim: Option<String>,
        /// Only runs whose experiment has this label
        #[arg(long, value_name = "NAME=VALUE", value_parser = super::run::parameter)]
        label: Option<(String, String)>,
        /// Only runs that began since then: 90m, 7d, 2026-03-01, or 2026-03-01T14:05:00Z
        #[arg(long, value_name = "WHEN")]
        since: Option<String>,
        /// At most this many
        #[arg(long, value_name = "COUNT", default_value_t = 50)]
        limit: u32,
        /// How to print
        #[arg(long, short, value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
        output: Output,
    },
    /// Show one run: what was planned, what happened, what it showed
    #[command(after_help = "\
Examples:
  steadfast runs show risk-slow-7k2m9q
  steadfast runs show 7k2m9q --events
  steadfast runs show 7k2m9q --output json")]
    Show {
        /// The run's name, or a unique part of it
        #[arg(value_name = "RUN")]
        run: String,
        /// Every event, one a line
        #[arg(long)]
        events: bool,
        /// How to print
        #[arg(long, short, value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
        output: Output,
    },
    /// Compute verdicts again from the stored events; exits 1 when one does not agree, 2 when one was concluded by
    /// another version of the analysis
    #[command(after_help = "\
Examples:
  steadfast runs replay risk-slow-7k2m9q
  steadfast runs replay --all")]
    Replay {
        /// The run's name, or a unique part of it
        #[arg(value_name = "RUN", required_unless_present = "all", conflicts_with = "all")]
        run: Option<String>,
        /// Every run
        #[arg(long)]
        all: bool,
        /// How to print
        #[arg(long, short, value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
        output: Output,
    },
    /// Compare two runs
    #[command(after_help = "\
Examples:
  steadfast runs diff 7k2m9q p4xw8e")]
    Diff {
        /// A run
        #[arg(value_name = "RUN")]
        left: String,
        /// Another
        #[arg(value_name = "RUN")]
        right: String,
        /// How to print
        #[arg(long, short, value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
        output: Output,
    },
    /// Write a report: one HTML file that needs nothing else, Markdown, JUnit XML, or JSON
    #[command(after_help = "\
Examples:
  steadfast runs report 7k2m9q
  steadfast runs report 7k2m9q --file risk-slow.html
  steadfast runs report 7k2m9q --format markdown --file -   on standard output
  steadfast runs report 7k2m9q --format junit --file steadfast.xml

In JUnit XML only what was shown passes: an inconclusive run is an error, never skipped.")]
    Report {
        /// The run's name, or a unique part of it
        #[arg(value_name = "RUN")]
        run: String,
        /// The file to write, `-` for standard output [default: RUN with the ending of the format]
        #[arg(long, short, value_name = "FILE")]
        file: Option<PathBuf>,
        /// What to write
        #[arg(long, short, visible_alias = "format", value_enum, default_value_t = Report::Html, value_name = "FORMAT")]
        output: Report,
    },
    /// Write runs with all that belongs to them into a file, to keep elsewhere or to import into another history
    #[command(after_help = "\
Examples:
  steadfast runs export 7k2m9q --file risk-slow.jsonl
  steadfast runs export --all > runs.jsonl")]
    Export {
        /// Runs, by name or a unique part of it
        #[arg(value_name = "RUN", required_unless_present = "all", conflicts_with = "all")]
        runs: Vec<String>,
        /// Every run
        #[arg(long)]
        all: bool,
        /// The file to write [default: standard output]
        #[arg(long, short, value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Keep runs that another history exported; those that are kept already stay as they are
    #[command(after_help = "\
Examples:
  steadfast runs import runs.jsonl
  steadfast runs replay --all      do their verdicts follow from their events?

A file that was changed, cut off or written in another format is refused as a whole.")]
    Import {
        /// The file to read
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

/// A form of report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Report {
    /// A page to read, print and send
    Html,
    /// For a pull request or the summary of a CI job
    Markdown,
    /// JUnit XML, for CI systems
    Junit,
    /// For programs
    Json,
}

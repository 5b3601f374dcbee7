//! `runs list | show | replay | diff | report`.

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
  steadfast runs list --output json")]
    List {
        /// Only runs of this experiment
        #[arg(long, value_name = "NAME")]
        experiment: Option<String>,
        /// Only runs with this verdict
        #[arg(long, value_name = "VERDICT", value_parser = ["held", "refuted", "inconclusive"])]
        verdict: Option<String>,
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
    /// Write a report: one HTML file that needs nothing else, or JSON
    #[command(after_help = "\
Examples:
  steadfast runs report 7k2m9q
  steadfast runs report 7k2m9q --file risk-slow.html
  steadfast runs report 7k2m9q --output json --file risk-slow.json")]
    Report {
        /// The run's name, or a unique part of it
        #[arg(value_name = "RUN")]
        run: String,
        /// The file to write [default: RUN.html or RUN.json]
        #[arg(long, short, value_name = "FILE")]
        file: Option<PathBuf>,
        /// What to write
        #[arg(long, short, value_enum, default_value_t = Report::Html, value_name = "FORMAT")]
        output: Report,
    },
}

/// A form of report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Report {
    /// A page to read, print and send
    Html,
    /// For programs
    Json,
}

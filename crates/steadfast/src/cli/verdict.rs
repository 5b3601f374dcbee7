//! `verdict`.

use std::path::PathBuf;

use super::Output;

/// `steadfast verdict`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  steadfast verdict increments.json
  steadfast verdict increments.json --output json
  steadfast verdict --batch many.jsonl           one document a line, one answer a line
  producer | steadfast verdict -

The document:
  { \"interval\": \"5s\", \"alpha\": 0.05, \"beta\": 0.05,
    \"metrics\": [ { \"name\": \"qr-pay-availability\",
                   \"tolerance\": { \"absolute\": 0.001 },
                   \"baseline\": { \"bad\": [0, 1], \"total\": [250, 251] },
                   \"fault\":    { \"bad\": [0, 2], \"total\": [249, 250] } } ] }")]
pub(crate) struct VerdictArguments {
    /// The document; `-` reads standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// One document a line; answers one line each, always as JSON
    #[arg(long)]
    pub(crate) batch: bool,
    /// How to print
    #[arg(long, short, value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
    pub(crate) output: Output,
}

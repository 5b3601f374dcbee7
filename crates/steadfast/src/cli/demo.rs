//! `demo`, and the processes of the sample system.

use std::path::PathBuf;

use clap::Subcommand;

use super::Output;

/// `steadfast demo`
#[derive(Debug, clap::Args)]
#[command(
    after_help = "\
Examples:
  steadfast demo                              about two minutes; needs no privileges
  steadfast demo --without risk-timeout       take a strength away and see a verdict turn
  steadfast demo --fix ledger-timeout         mend a weakness and see a verdict turn
  steadfast demo up                           start the system to explore it by hand
  steadfast demo status
  steadfast demo down",
    args_conflicts_with_subcommands = true
)]
pub(crate) struct DemoArguments {
    #[command(flatten)]
    pub(crate) switches: Switches,
    /// Run only these experiments; may be repeated
    #[arg(long = "only", value_name = "EXPERIMENT")]
    pub(crate) only: Vec<String>,
    /// Move into a network namespace first of all
    #[arg(long, hide = true)]
    pub(crate) apart: bool,
    #[command(subcommand)]
    pub(crate) command: Option<DemoCommand>,
}

/// Strengths and weaknesses of the services.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Switches {
    /// Take a strength away from the services: risk-timeout, wallet-retries
    #[arg(long, value_name = "STRENGTH")]
    pub(crate) without: Vec<String>,
    /// Mend a weakness of the services: ledger-timeout, notification-queue
    #[arg(long, value_name = "WEAKNESS")]
    pub(crate) fix: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DemoCommand {
    /// Start the sample system and leave it running
    #[command(after_help = "\
Examples:
  steadfast demo up
  steadfast demo up --without risk-timeout")]
    Up {
        #[command(flatten)]
        switches: Switches,
    },
    /// Stop it; nothing is left behind but its documents and its ledger
    #[command(after_help = "\
Examples:
  steadfast demo down")]
    Down,
    /// Show its processes and addresses
    #[command(after_help = "\
Examples:
  steadfast demo status
  steadfast demo status --output json")]
    Status {
        /// How to print
        #[arg(long, short, value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
        output: Output,
    },
}

/// `steadfast demo-service`
#[derive(Debug, clap::Args)]
pub(crate) struct ServiceArguments {
    /// Which service
    pub(crate) name: String,
    /// Its configuration
    #[arg(long)]
    pub(crate) config: PathBuf,
}

/// `steadfast demo-supervisor`
#[derive(Debug, clap::Args)]
pub(crate) struct SupervisorArguments {
    /// Its configuration
    #[arg(long)]
    pub(crate) config: PathBuf,
}

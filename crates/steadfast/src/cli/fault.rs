//! `fault list | show | try`.

use clap::Subcommand;
use steadfast_model::Duration;

use super::Output;

/// `steadfast fault`
#[derive(Debug, Subcommand)]
pub(crate) enum FaultCommand {
    /// List every fault
    #[command(after_help = "\
Examples:
  steadfast fault list
  steadfast fault list --output json")]
    List {
        /// How to print
        #[arg(long, short, value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
        output: Output,
    },
    /// Show what a fault does, needs and risks, with an example
    #[command(after_help = "\
Examples:
  steadfast fault show tcpDelay
  steadfast fault show tcpDelay --output json")]
    Show {
        /// The fault
        #[arg(value_name = "KIND")]
        kind: String,
        /// How to print
        #[arg(long, short, value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
        output: Output,
    },
    /// Inject one fault by hand, under the same guarantees as in a run
    #[command(after_help = "\
Examples:
  steadfast fault try processPause --into 'process: {pid: 123}' --for 20s
  steadfast fault try tcpDelay --with '{latency: 300ms}' --into 'proxy: {name: payments-risk}' --for 1m
  steadfast fault try httpStatus --with '{status: 503}' --into 'connection: {from: payments, to: risk}' --for 20s --yes

Ctrl-C ends it early. Whatever happens to this process, the fault is gone at its deadline.
Exits with 0 when its effect was seen, 2 when it was in place and nothing was seen, 3 when it was ended early.")]
    Try(TryArguments),
}

/// `steadfast fault try`
#[derive(Debug, clap::Args)]
pub(crate) struct TryArguments {
    /// The fault
    #[arg(value_name = "KIND")]
    pub(crate) kind: String,
    /// Its parameters, as YAML
    #[arg(long = "with", value_name = "YAML", default_value = "{}")]
    pub(crate) parameters: String,
    /// The target, as YAML
    #[arg(long, value_name = "YAML")]
    pub(crate) into: String,
    /// For how long
    #[arg(long = "for", value_name = "DURATION")]
    pub(crate) duration: Duration,
    /// Which service is which process, address and proxy
    #[arg(long, value_name = "FILE")]
    pub(crate) binding: Option<std::path::PathBuf>,
    /// Do not ask before injecting
    #[arg(long, short)]
    pub(crate) yes: bool,
}

//! `run`, `stop` and `init`.

use std::path::PathBuf;

use steadfast_model::secret::SecretSource;

use super::Output;

/// `steadfast run`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  steadfast run experiment.yaml
  steadfast run experiment.yaml --set rate=50/s --yes
  steadfast run experiment.yaml --dry-run        show targets and duration, touch nothing
  steadfast run experiment.yaml --plan           show what it can find, how soon, and at what cost
  steadfast run experiment.yaml --plan --output json
  steadfast run experiment.yaml --output json    one event a line on stdout, then the conclusion")]
pub(crate) struct RunArguments {
    /// The experiment document
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Give a parameter of the document a value; may be repeated
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = parameter)]
    pub(crate) set: Vec<(String, String)>,
    /// Which service is which process, address and proxy [default: binding.yaml beside the experiment]
    #[arg(long, value_name = "FILE")]
    pub(crate) binding: Option<PathBuf>,
    /// OpenSLO documents; may be repeated [default: slos.yaml beside the experiment]
    #[arg(long, value_name = "FILE")]
    pub(crate) slos: Vec<PathBuf>,
    /// Show what would happen and touch nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Show what this run can find before it runs: the smallest effect, the chance to end in held, the longest time
    /// until it is stopped, the cost. Touches nothing
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) plan: bool,
    /// Do not ask before injecting
    #[arg(long, short)]
    pub(crate) yes: bool,
    /// A Grafana to tell of start, faults and end, as annotations; whatever it answers, the run goes on
    #[arg(long, env = "STEADFAST_GRAFANA_URL", value_name = "URL")]
    pub(crate) annotate: Option<String>,
    /// Where the token for it is: env:NAME or file:PATH
    #[arg(long, env = "STEADFAST_GRAFANA_TOKEN_FROM", value_name = "PLACE", value_parser = secret)]
    pub(crate) annotate_token: Option<SecretSource>,
    /// How to print
    #[arg(long, short, value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
    pub(crate) output: Output,
}

/// `steadfast stop`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  steadfast stop risk-slow-7k2m9q
  steadfast stop --all")]
pub(crate) struct StopArguments {
    /// The run's name, or a unique part of it
    #[arg(value_name = "RUN", required_unless_present = "all", conflicts_with = "all")]
    pub(crate) run: Option<String>,
    /// Every run that is under way
    #[arg(long)]
    pub(crate) all: bool,
}

/// `steadfast init`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  steadfast init http://localhost:8080/health
  steadfast init http://localhost:8080 --listening 8080 --file first.yaml")]
pub(crate) struct InitArguments {
    /// An address of your service that answers GET requests
    #[arg(value_name = "URL")]
    pub(crate) url: String,
    /// The local TCP port of the process to disturb [default: the port of the URL]
    #[arg(long, value_name = "PORT")]
    pub(crate) listening: Option<u16>,
    /// The file to write; an existing one is never overwritten
    #[arg(long, short, value_name = "FILE", default_value = "experiment.yaml")]
    pub(crate) file: PathBuf,
}

pub(super) fn secret(text: &str) -> Result<SecretSource, String> {
    match text.split_once(':') {
        Some(("env", name)) if !name.is_empty() => Ok(SecretSource::Env(name.to_owned())),
        Some(("file", path)) if !path.is_empty() => Ok(SecretSource::File(path.into())),
        // Not repeated: it may be the token itself.
        _ => Err("write env:NAME or file:PATH, never the token itself".to_owned()),
    }
}

pub(super) fn parameter(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE".to_owned()),
    }
}

//! `load`

use steadfast_model::{Duration, Percent, Rate, secret::SecretSource};

use super::{Output, run::secret};

/// `steadfast load`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  steadfast load http://localhost:8080/ --rate 200/s --for 30s
  steadfast load http://localhost:8080/pay --rate 50/s --for 1m --method POST --body '{\"amount\":1250}'
  steadfast load http://localhost:8080/ --rate 200/s --for 30s --deadline 300ms --tolerate 1%
  steadfast load http://localhost:8080/ --rate 200/s --for 30s --secret-header authorization=env:TOKEN
  steadfast load http://localhost:8080/ --rate 2000/s --for 10s --arrivals constant --output json

Exit codes:
  0 no more than the tolerated share was bad  1 more were bad  2 nothing was shown: this machine could not send as it
  should, or nothing was decided  3 stopped by a person before the time was over  4 failed  64 usage")]
pub(crate) struct LoadArguments {
    /// Where to send to
    #[arg(value_name = "URL")]
    pub(crate) url: String,
    /// How many requests are due, on average: 200/s, 30/m
    #[arg(long, short, value_name = "RATE")]
    pub(crate) rate: Rate,
    /// For how long: 30s, 5m
    #[arg(long = "for", short = 'd', value_name = "TIME")]
    pub(crate) duration: Duration,
    /// The method
    #[arg(long, short, default_value = "GET", value_name = "METHOD")]
    pub(crate) method: String,
    /// A header; may be repeated
    #[arg(long = "header", short = 'H', value_name = "NAME: VALUE", value_parser = header)]
    pub(crate) headers: Vec<(String, String)>,
    /// A header whose value is kept elsewhere: NAME=env:VARIABLE or NAME=file:PATH; may be repeated
    #[arg(long = "secret-header", value_name = "NAME=PLACE", value_parser = secret_header)]
    pub(crate) secret_headers: Vec<(String, SecretSource)>,
    /// The body of every request
    #[arg(long, short, value_name = "TEXT")]
    pub(crate) body: Option<String>,
    /// An answer later than this after its due time counts as none
    #[arg(long, default_value = "10s", value_name = "TIME")]
    pub(crate) deadline: Duration,
    /// Statuses that count as good: 200, 2xx; may be repeated [default: 2xx]
    #[arg(long, short, value_name = "STATUS")]
    pub(crate) expect: Vec<String>,
    /// Connections at most. Each carries one request at a time; what is due beyond is not sent and counts as bad
    #[arg(long, short, default_value_t = 1000, value_name = "COUNT")]
    pub(crate) connections: u32,
    /// How due times are spread
    #[arg(long, value_enum, default_value_t = Spread::Poisson, value_name = "HOW")]
    pub(crate) arrivals: Spread,
    /// The share of bad requests that is fine
    #[arg(long, default_value = "0%", value_name = "PERCENT")]
    pub(crate) tolerate: Percent,
    /// Draw the due times of an earlier load again
    #[arg(long, value_name = "NUMBER")]
    pub(crate) seed: Option<u64>,
    /// How to print
    #[arg(long, short, value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
    pub(crate) output: Output,
}

/// How due times are spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Spread {
    /// Independent of each other, as users are
    Poisson,
    /// Evenly
    Constant,
}

fn header(text: &str) -> Result<(String, String), String> {
    match text.split_once(':') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_ascii_lowercase(), value.trim().to_owned()))
        }
        _ => Err("write NAME: VALUE".to_owned()),
    }
}

fn secret_header(text: &str) -> Result<(String, SecretSource), String> {
    match text.split_once('=') {
        Some((name, place)) if !name.trim().is_empty() => {
            Ok((name.trim().to_ascii_lowercase(), secret(place)?))
        }
        // Not repeated: the secret itself may stand there.
        _ => Err("write NAME=env:VARIABLE or NAME=file:PATH, never the secret itself".to_owned()),
    }
}

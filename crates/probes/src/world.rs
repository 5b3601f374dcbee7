//! What a probe may ask for.

pub mod fake;

use std::time::Duration;

use async_trait::async_trait;
use steadfast_model::{
    sample::Increment,
    secret::{Secret, SecretSource},
};

use crate::ProbeError;

/// What a probe may ask for.
#[async_trait]
pub trait World: Send + Sync {
    /// Sends one HTTP request and reads the whole answer, within the request's limits.
    ///
    /// # Errors
    /// When there is no complete answer in time. An answer of any status is no error.
    async fn fetch(&self, request: &HttpRequest) -> Result<HttpAnswer, ProbeError>;

    /// The address of a service, from the binding.
    ///
    /// # Errors
    /// When the binding does not know the service or its address.
    fn service_url(&self, service: &str, which: ServiceUrl) -> Result<String, ProbeError>;

    /// What the built-in load of this name counted since the last call for this `reader`. The first call begins to
    /// count; `good` may not change from call to call.
    ///
    /// # Errors
    /// When there is no such load, or this interval cannot be counted: it becomes a gap.
    fn load_increment(&self, load: &str, reader: &str, good: &LoadGood) -> Result<Increment, ProbeError>;

    /// The name of the built-in load, when there is exactly one.
    ///
    /// # Errors
    /// When there is none, or several.
    fn only_load(&self) -> Result<String, ProbeError> {
        Err(ProbeError {
            what: "choose a load".to_owned(),
            cause: "the probe names none".to_owned(),
            hint: Some("name it: load: NAME".to_owned()),
            ours: true,
        })
    }

    /// Runs a program and waits for its end, within the request's limits. Nothing it started is left when this returns,
    /// or when it is dropped.
    ///
    /// # Errors
    /// When it cannot be started. However it ends is no error.
    async fn run(&self, request: &CommandRequest) -> Result<CommandAnswer, ProbeError> {
        Err(ProbeError {
            what: format!("run `{}`", request.argv.first().map_or("", String::as_str)),
            cause: "programs cannot be started here".to_owned(),
            hint: None,
            ours: true,
        })
    }

    /// Reads a secret from where it is kept.
    ///
    /// # Errors
    /// When it is not there. The message names the place, never the value.
    fn secret(&self, source: &SecretSource) -> Result<Secret, ProbeError> {
        Err(ProbeError {
            what: match source {
                SecretSource::Env(name) => format!("read the secret in the environment variable {name}"),
                SecretSource::File(path) => format!("read the secret in {}", path.display()),
            },
            cause: "secrets cannot be read here".to_owned(),
            hint: None,
            ours: true,
        })
    }
}

/// Which of a service's addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceUrl {
    /// Where it serves its users.
    Base,
    /// Where it shows its metrics.
    Metrics,
}

/// Which of a load's answers are good.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LoadGood {
    /// An answer arrived with an accepted status.
    Answered,
    /// That, within this time from the intended start.
    Within(Duration),
}

/// A request.
#[derive(Debug, Clone)]
pub struct HttpRequest {
    /// Where to, with scheme.
    pub url: String,
    /// The method.
    pub method: String,
    /// Header names and values; values may be secrets and are never printed.
    pub headers: Vec<(String, steadfast_model::secret::Secret)>,
    /// The body.
    pub body: Option<String>,
    /// The whole exchange must end within this time.
    pub timeout: Duration,
    /// An answer with a longer body is an error, in bytes.
    pub longest_body: usize,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct HttpAnswer {
    /// The status.
    pub status: u16,
    /// The body, which need not be UTF-8.
    pub body: Vec<u8>,
    /// `content-type`, when given.
    pub content_type: Option<String>,
    /// From sending to the last byte.
    pub took: Duration,
}

/// A program to run.
#[derive(Debug, Clone)]
pub struct CommandRequest {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// Variables of its environment; values may be secrets and are never printed.
    pub env: Vec<(String, steadfast_model::secret::Secret)>,
    /// It is killed after this time.
    pub timeout: Duration,
    /// It is killed when it prints more, in bytes.
    pub longest_output: usize,
}

/// What a program said.
#[derive(Debug, Clone)]
pub struct CommandAnswer {
    /// How it ended.
    pub end: CommandEnd,
    /// What it printed; what is no UTF-8 is replaced.
    pub output: String,
    /// The end of what it complained about.
    pub errors: String,
    /// Processes that it started and that could not be ended, since they belong to another user.
    pub left: Vec<i32>,
}

/// The last line of what a program complained about, if it did.
#[must_use]
pub fn complaint(errors: &str) -> Option<String> {
    let said = errors.trim().lines().last().unwrap_or_default();
    let said: String = steadfast_model::text::harmless(said).chars().take(200).collect();
    (!said.is_empty()).then_some(said)
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandEnd {
    /// By itself, with this exit code.
    Exited(i32),
    /// By this signal, which was not ours.
    Killed(i32),
    /// It was killed as its time was over.
    Late,
    /// It was killed as it printed too much.
    TooMuch,
}

//! A world in memory: it answers what a test told it to, in that order, and remembers what it was asked.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use steadfast_model::{
    sample::Increment,
    secret::{Secret, SecretSource},
};

use super::{CommandAnswer, CommandRequest, HttpAnswer, HttpRequest, LoadGood, ServiceUrl, World};
use crate::ProbeError;

/// A world that follows a script.
#[derive(Debug, Default)]
pub struct FakeWorld {
    /// Base addresses by service. Metrics are at `/metrics` below.
    pub services: BTreeMap<String, String>,
    /// Values of environment variables that hold secrets.
    pub secrets: BTreeMap<String, String>,
    answers: Mutex<VecDeque<Result<HttpAnswer, ProbeError>>>,
    ends: Mutex<VecDeque<CommandAnswer>>,
    asked: Mutex<Vec<HttpRequest>>,
    loads: Mutex<BTreeMap<String, VecDeque<Increment>>>,
    read: Mutex<Vec<(String, String, LoadGood)>>,
}

impl FakeWorld {
    /// A world with nothing in it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The next request gets this answer, after 1 ms.
    pub fn answer(&self, status: u16, body: impl Into<Vec<u8>>) {
        self.answer_after(Duration::from_millis(1), status, body);
    }

    /// The next request gets this answer, after this time.
    pub fn answer_after(&self, took: Duration, status: u16, body: impl Into<Vec<u8>>) {
        lock(&self.answers).push_back(Ok(HttpAnswer { status, body: body.into(), content_type: None, took }));
    }

    /// The next request gets no answer.
    pub fn fail(&self, cause: &str) {
        lock(&self.answers).push_back(Err(error("fetch", cause)));
    }

    /// The next request cannot be sent, for want of something on this machine.
    pub fn fail_ours(&self, cause: &str) {
        lock(&self.answers).push_back(Err(ProbeError { ours: true, ..error("fetch", cause) }));
    }

    /// The next program that is run ends like this.
    pub fn end(&self, answer: CommandAnswer) {
        lock(&self.ends).push_back(answer);
    }

    /// What the load of this name counts, one entry a call, over all readers.
    pub fn load(&self, name: &str, increments: impl IntoIterator<Item = Increment>) {
        lock(&self.loads).entry(name.to_owned()).or_default().extend(increments);
    }

    /// All requests so far.
    #[must_use]
    pub fn asked(&self) -> Vec<HttpRequest> {
        lock(&self.asked).clone()
    }

    /// All calls for a load so far: its name, the reader and what it asked for.
    #[must_use]
    pub fn read(&self) -> Vec<(String, String, LoadGood)> {
        lock(&self.read).clone()
    }
}

#[async_trait]
impl World for FakeWorld {
    async fn fetch(&self, request: &HttpRequest) -> Result<HttpAnswer, ProbeError> {
        lock(&self.asked).push(request.clone());
        lock(&self.answers)
            .pop_front()
            .unwrap_or_else(|| Err(error("fetch", "the script has no more answers")))
    }

    async fn run(&self, _: &CommandRequest) -> Result<CommandAnswer, ProbeError> {
        lock(&self.ends).pop_front().ok_or_else(|| error("run", "the script has no more programs"))
    }

    fn service_url(&self, service: &str, which: ServiceUrl) -> Result<String, ProbeError> {
        let base = self.services.get(service).ok_or_else(|| error("find the service", "no such service"))?;
        Ok(match which {
            ServiceUrl::Base => base.clone(),
            ServiceUrl::Metrics => format!("{base}/metrics"),
        })
    }

    fn load_increment(&self, load: &str, reader: &str, good: &LoadGood) -> Result<Increment, ProbeError> {
        lock(&self.read).push((load.to_owned(), reader.to_owned(), *good));
        let mut loads = lock(&self.loads);
        let script = loads.get_mut(load).ok_or_else(|| error("read the load", "no such load"))?;
        script.pop_front().ok_or_else(|| error("read the load", "the script has no more increments"))
    }

    fn only_load(&self) -> Result<String, ProbeError> {
        let loads = lock(&self.loads);
        match loads.len() {
            1 => Ok(loads.keys().next().expect("there is one").clone()),
            _ => Err(error("choose a load", "there is not exactly one")),
        }
    }

    fn secret(&self, source: &SecretSource) -> Result<Secret, ProbeError> {
        match source {
            SecretSource::Env(name) => self.secrets.get(name).cloned().map(Secret::new),
            SecretSource::File(_) => None,
        }
        .ok_or_else(|| error("read a secret", "it is not there"))
    }
}

fn error(what: &str, cause: &str) -> ProbeError {
    ProbeError { what: what.to_owned(), cause: cause.to_owned(), hint: None, ours: false }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! Looks at the system from outside: asks over HTTP, runs programs, and sends the built-in load.
//!
//! Only `http` and `https` addresses that a document or the binding names are ever asked. Redirects are not followed,
//! proxies of the environment are not used, and every answer has a limit in bytes and in time.

mod address;
mod command;
mod connect;
mod error;
mod fetch;
mod load;
mod message;
mod secrets;
mod tls;
mod traffic;

#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    ffi::OsString,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use steadfast_model::{
    Clock,
    sample::Increment,
    secret::{Secret, SecretSource},
};
use steadfast_probes::{
    ProbeError,
    world::{CommandAnswer, CommandRequest, HttpAnswer, HttpRequest, LoadGood, ServiceUrl, World},
};

pub use address::ServiceAddress;
pub use load::{LoadCounts, LoadTiming};

use load::Load;
use tls::Tls;

/// What probes look through, and what sends the built-in load.
pub struct Observer {
    services: BTreeMap<String, ServiceAddress>,
    clock: Arc<dyn Clock>,
    seed: u64,
    keeper: Vec<OsString>,
    tls: Tls,
    loads: Mutex<BTreeMap<String, Arc<Load>>>,
}

impl Observer {
    /// Looks at these services. The due times of loads follow from `seed`.
    #[must_use]
    pub fn new(services: BTreeMap<String, ServiceAddress>, clock: Arc<dyn Clock>, seed: u64) -> Self {
        Self { services, clock, seed, keeper: Vec::new(), tls: Tls::default(), loads: Mutex::default() }
    }

    /// Runs programs, below what this command line starts: it must call [`steadfast_linux::command::keep`].
    #[must_use]
    pub fn with_keeper(mut self, keeper: Vec<OsString>) -> Self {
        self.keeper = keeper;
        self
    }

    /// What a load did so far, or did until it was stopped. `None` when there is no load of this name.
    #[must_use]
    pub fn load_counts(&self, name: &str) -> Option<LoadCounts> {
        self.find_load(name).map(|load| load.counts())
    }

    /// How well this machine kept to the due times of a load. `None` when there is no load of this name.
    #[must_use]
    pub fn load_timing(&self, name: &str) -> Option<LoadTiming> {
        self.find_load(name).map(|load| load.timing())
    }

    /// Stops a load and waits up to its whole timeout for answers, so that each request is decided. It may be given up by
    /// dropping it; a stop is still due then.
    pub async fn stop_when_decided(&self, name: &str) {
        if let Some(load) = self.find_load(name) {
            load.stop_when_decided().await;
        }
    }

    fn find_load(&self, name: &str) -> Option<Arc<Load>> {
        lock(&self.loads).get(name).cloned()
    }
}

#[async_trait]
impl World for Observer {
    async fn fetch(&self, request: &HttpRequest) -> Result<HttpAnswer, ProbeError> {
        fetch::fetch(request, &self.tls, &*self.clock).await
    }

    async fn run(&self, request: &CommandRequest) -> Result<CommandAnswer, ProbeError> {
        command::run(&self.keeper, request).await
    }

    fn service_url(&self, service: &str, which: ServiceUrl) -> Result<String, ProbeError> {
        address::find(&self.services, service, which)
    }

    fn load_increment(&self, load: &str, reader: &str, good: &LoadGood) -> Result<Increment, ProbeError> {
        let error = |cause: String| ProbeError {
            what: format!("read the load `{load}`"),
            cause,
            hint: None,
            ours: true,
        };
        let found = self.find_load(load).ok_or_else(|| error(self.no_such_load()))?;
        found.read(reader, good).map_err(error)
    }

    fn only_load(&self) -> Result<String, ProbeError> {
        let loads = lock(&self.loads);
        match (loads.len(), loads.keys().next()) {
            (1, Some(name)) => Ok(name.clone()),
            (count, _) => Err(ProbeError {
                what: "choose a load".to_owned(),
                cause: format!("the probe names none, and there are {count}"),
                hint: Some("name one of the experiment's loads: load: NAME".to_owned()),
                ours: true,
            }),
        }
    }

    fn secret(&self, source: &SecretSource) -> Result<Secret, ProbeError> {
        secrets::read(source)
    }
}

impl Observer {
    fn no_such_load(&self) -> String {
        let names: Vec<String> = lock(&self.loads).keys().map(|name| format!("`{name}`")).collect();
        if names.is_empty() {
            "no load is running".to_owned()
        } else {
            format!("there are only {}", names.join(", "))
        }
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        lock(&self.loads).values().for_each(|load| load.abandon());
    }
}

/// Locks. What is kept under these locks is sound between any two statements, even when a holder panicked.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! Starts and stops loads.

use std::sync::Arc;

use async_trait::async_trait;
use steadfast_engine::host::{HostError, HostErrorKind, LoadReport, Traffic};
use steadfast_model::{Problems, digest};
use steadfast_probes::load::HttpLoad;

use super::{Observer, load::Load, lock, message::Message};

#[async_trait]
impl Traffic for Observer {
    async fn start(&self, load: &HttpLoad) -> Result<(), HostError> {
        let error = |cause: String, hint: Option<String>| HostError {
            kind: HostErrorKind::Other,
            message: format!("start the load `{}`: {cause}", load.name),
            hint,
        };
        let mut problems = Problems::new();
        load.check(&mut problems);
        if let Some(problem) = problems.all().first() {
            return Err(error(problem.to_string(), problem.hint.clone()));
        }
        let request = load.request(self).map_err(|wrong| error(wrong.to_string(), wrong.hint))?;
        let message = Message::prepare(&request, &self.tls).map_err(|cause| error(cause, None))?;
        let mut loads = lock(&self.loads);
        if loads.get(&load.name).is_some_and(|running| !running.is_stopped()) {
            return Err(error("a load of this name is running".to_owned(), Some("stop it first".to_owned())));
        }
        let started = Load::start(load, message, Arc::clone(&self.clock), seed_of(self.seed, &load.name));
        loads.insert(load.name.clone(), started.map_err(|cause| error(cause, None))?);
        Ok(())
    }

    async fn stop(&self, name: &str) -> Option<LoadReport> {
        let load = self.find_load(name)?;
        load.stop().await;
        Some(load.report())
    }
}

/// Every load has a stream of its own.
fn seed_of(seed: u64, name: &str) -> u64 {
    let digest = digest::of_bytes(format!("{seed}/load/{name}").as_bytes());
    u64::from_str_radix(&digest[..16], 16).expect("a SHA-256 is written in hexadecimal digits")
}

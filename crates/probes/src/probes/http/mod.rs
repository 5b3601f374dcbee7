//! Asks a service and checks its answer.

mod expect;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use async_trait::async_trait;
use futures_util::future::join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use steadfast_model::{Duration, Problems, sample::Increment, secret::TextOrSecret};

pub use expect::{BodyExpectation, Expectation, JsonValue};
pub(crate) use expect::{is_pointer, same};

use crate::{
    Counted, Probe, ProbeError, Watch, address, headers,
    world::{HttpRequest, ServiceUrl, World},
};

/// The most requests of a look.
pub const MOST_TIMES: u32 = 100;
/// The longest body of an answer, in bytes: a longer one counts as bad.
pub const LONGEST_ANSWER: usize = 1024 * 1024;
/// The longest body of a request, in bytes.
const LONGEST_BODY: usize = 1024 * 1024;

/// Asks a service over HTTP and checks status, body and latency of the answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Http {
    /// The service to ask, by the binding. Either this or `url`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The address to ask. With `service`, leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Path and query, after the address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The method.
    #[serde(default = "get")]
    pub method: String,
    /// Headers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, TextOrSecret>,
    /// The body of every request. Without a `content-type` header it is sent as JSON when it begins with `{` or `[`, and
    /// as plain text otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The whole exchange must end within this time. At most a minute.
    #[serde(default = "two_seconds")]
    pub timeout: Duration,
    /// What makes an answer good.
    #[serde(default)]
    pub expect: Expectation,
    /// How many requests a look sends, all at once. At most 100.
    #[serde(default = "once")]
    pub times: u32,
}

fn get() -> String {
    "GET".to_owned()
}

fn two_seconds() -> Duration {
    Duration::from_secs(2)
}

fn once() -> u32 {
    1
}

impl Probe for Http {
    fn check(&self, problems: &mut Problems) {
        address::check(self.service.as_deref(), self.url.as_deref(), self.path.as_deref(), problems);
        headers::check_method(&self.method, problems);
        headers::check(&self.headers, problems);
        if self.body.as_ref().is_some_and(|body| body.len() > LONGEST_BODY) {
            problems.error(&["body"], format!("this is longer than {LONGEST_BODY} bytes"), None);
        }
        address::check_timeout(self.timeout.std(), problems);
        self.expect.check(self.timeout, problems);
        if self.times == 0 || self.times > MOST_TIMES {
            problems.error(&["times"], format!("{} is not from 1 to {MOST_TIMES}", self.times), None);
        }
    }

    fn describe(&self) -> String {
        let place = match (&self.service, &self.url) {
            (Some(service), _) => service.as_str(),
            (None, url) => url.as_deref().map_or("nowhere", address::shown),
        };
        let path = self.path.as_deref().map_or("", address::shown);
        let (method, expect, timeout) = (&self.method, &self.expect, self.timeout);
        format!("{method} {place}{path}: bad unless {expect}, answered within {timeout}")
    }

    fn watch(&self) -> Box<dyn Watch> {
        Box::new(HttpWatch { probe: self.clone(), looked: false })
    }
}

struct HttpWatch {
    probe: Http,
    looked: bool,
}

#[async_trait]
impl Watch for HttpWatch {
    async fn look(&mut self, world: &dyn World) -> Result<Counted, ProbeError> {
        let request = self.probe.request(world)?;
        let first = !std::mem::replace(&mut self.looked, true);
        let checks = (0..self.probe.times).map(|_| async {
            match world.fetch(&request).await {
                Ok(answer) => Ok(self.probe.expect.wrong_with(&answer)),
                // What this machine lacks is not the service's fault: nothing is known about this interval.
                Err(error) if error.ours => Err(error),
                Err(error) => Ok(Some(error.to_string())),
            }
        });
        let checked = join_all(checks).await.into_iter().collect::<Result<Vec<_>, _>>()?;
        let wrong: Vec<String> = checked.into_iter().flatten().collect();
        let (bad, total) = (wrong.len() as u64, u64::from(self.probe.times));
        let note = wrong.into_iter().next().map(|first| match (bad, total) {
            (1, 1) => first,
            _ => format!("{bad} of {total}, the first: {first}"),
        });
        if first {
            return Ok(Counted { increment: Increment::default(), note, spans_gap: false });
        }
        Ok(Counted { increment: Increment { bad, total }, note, spans_gap: false })
    }
}

impl Http {
    fn request(&self, world: &dyn World) -> Result<HttpRequest, ProbeError> {
        let (service, url, path) = (self.service.as_deref(), self.url.as_deref(), self.path.as_deref());
        Ok(HttpRequest {
            url: address::resolve(world, ServiceUrl::Base, service, url, path)?,
            method: self.method.clone(),
            headers: headers::resolve(&self.headers, world)?,
            body: self.body.clone(),
            timeout: self.timeout.std(),
            longest_body: LONGEST_ANSWER,
        })
    }
}

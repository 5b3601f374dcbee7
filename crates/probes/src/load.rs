//! The built-in load as a document describes it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use steadfast_model::{Duration, Problems, Rate, secret::TextOrSecret};

use crate::{
    ProbeError, StatusSet, address, headers,
    world::{HttpRequest, ServiceUrl, World},
};

/// The highest rate, in requests a second: beyond, one sender on one machine says more about itself than about others.
pub const HIGHEST_RATE: f64 = 20_000.0;
/// The most requests that may be unanswered at once.
pub const MOST_IN_FLIGHT: u32 = 100_000;
/// The longest body of a request, in bytes.
pub const LONGEST_BODY: usize = 1024 * 1024;
/// The longest body of an answer, in bytes: a longer one counts as bad.
pub const LONGEST_ANSWER: usize = 16 * 1024 * 1024;

/// Open-loop HTTP traffic: requests start when they are due, whether earlier ones were answered or not, and latency
/// counts from the moment they were due.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HttpLoad {
    /// Its name, for `load` probes and reports.
    pub name: String,
    /// The service to send to, by the binding. Either this or `url`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The address to send to. With `service`, leave it out.
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
    /// How many requests are due, on average. At most 20,000/s.
    pub rate: Rate,
    /// How the due times are spread.
    #[serde(default)]
    pub arrivals: Arrivals,
    /// An answer later than this after its due time counts as none. At most 5 minutes.
    #[serde(default = "ten_seconds")]
    pub timeout: Duration,
    /// Statuses that count as good: exact numbers or classes such as `2xx`.
    #[serde(default)]
    pub accept: StatusSet,
    /// Requests that may be unanswered at once; those due beyond count as bad without being sent. At most 100,000.
    #[serde(default = "thousand")]
    pub in_flight: u32,
}

/// How due times are spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Arrivals {
    /// Independent of each other, as users are.
    #[default]
    Poisson,
    /// Evenly.
    Constant,
}

impl HttpLoad {
    /// All problems with this load, not just the first. No IO.
    pub fn check(&self, problems: &mut Problems) {
        if self.name.is_empty() || self.name.len() > 63 {
            problems.error(&["name"], "a name has 1 to 63 characters", None);
        }
        address::check(self.service.as_deref(), self.url.as_deref(), self.path.as_deref(), problems);
        headers::check_method(&self.method, problems);
        headers::check(&self.headers, problems);
        if self.body.as_ref().is_some_and(|body| body.len() > LONGEST_BODY) {
            problems.error(&["body"], format!("this is longer than {LONGEST_BODY} bytes"), None);
        }
        if self.rate.get() > HIGHEST_RATE {
            problems.error(&["rate"], format!("{} is more than {HIGHEST_RATE}/s", self.rate), None);
        } else if self.rate.get() < 1.0 / 3600.0 {
            problems.error(&["rate"], format!("{} is less than one request an hour", self.rate), None);
        }
        if self.timeout == Duration::ZERO {
            problems.error(
                &["timeout"],
                "nothing is answered in no time",
                Some("write a duration such as 10s"),
            );
        } else if self.timeout > Duration::from_secs(300) {
            problems.error(&["timeout"], "this is longer than 5 minutes", None);
        }
        if self.in_flight == 0 || self.in_flight > MOST_IN_FLIGHT {
            problems.error(
                &["inFlight"],
                format!("{} is not from 1 to {MOST_IN_FLIGHT}", self.in_flight),
                Some("rate times timeout is enough for everything to hang: 200/s and 10s need 2000"),
            );
        }
    }

    /// The request it sends, with the address looked up and secrets read.
    ///
    /// # Errors
    /// When the binding does not know the service, or a secret is not there.
    pub fn request(&self, world: &dyn World) -> Result<HttpRequest, ProbeError> {
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

fn get() -> String {
    "GET".to_owned()
}

fn ten_seconds() -> Duration {
    Duration::from_secs(10)
}

fn thousand() -> u32 {
    1_000
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::fake::FakeWorld;

    fn problems(document: &str) -> Vec<String> {
        let load: HttpLoad = serde_json::from_str(document).unwrap();
        let mut problems = Problems::new();
        load.check(&mut problems);
        problems.all().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_name_an_address_and_a_rate_are_enough() {
        let document = r#"{ "name": "users", "url": "http://127.0.0.1:7000/pay", "rate": "200/s" }"#;
        assert_eq!(problems(document), Vec::<String>::new());
        let load: HttpLoad = serde_json::from_str(document).unwrap();
        assert_eq!(
            (load.arrivals, load.in_flight, load.accept.contains(201)),
            (Arrivals::Poisson, 1_000, true)
        );
        let written = serde_json::to_string(&load).unwrap();
        assert_eq!(serde_json::from_str::<HttpLoad>(&written).unwrap(), load);
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once() {
        let found = problems(
            r#"{ "name": "", "service": "a", "url": "http://b", "path": "c", "method": "get", "headers": {"host": "x"},
                 "rate": "30000/s", "timeout": "0s", "inFlight": 0 }"#,
        );
        let about = ["name", "url", "path", "method", "headers.host", "rate", "timeout", "inFlight"];
        assert_eq!(found.len(), about.len(), "{found:#?}");
        for (problem, path) in found.iter().zip(about) {
            assert!(problem.starts_with(&format!("{path}: ")), "{problem}");
        }
    }

    #[test]
    fn the_request_joins_service_and_path_and_keeps_secrets_secret() {
        let load: HttpLoad = serde_json::from_str(
            r#"{ "name": "users", "service": "gateway", "path": "/pay?x=1", "method": "POST", "body": "{}", "rate": 5,
                 "headers": { "authorization": { "secret": { "env": "TOKEN" } } } }"#,
        )
        .unwrap();
        let mut world = FakeWorld::new();
        assert!(load.request(&world).is_err());
        world.services.insert("gateway".to_owned(), "http://127.0.0.1:7000/".to_owned());
        assert!(load.request(&world).unwrap_err().to_string().contains("secret"));
        world.secrets.insert("TOKEN".to_owned(), "s3cret".to_owned());
        let request = load.request(&world).unwrap();
        assert_eq!(request.url, "http://127.0.0.1:7000/pay?x=1");
        assert_eq!(request.headers[0].1.expose(), "s3cret");
        assert!(!format!("{request:?}").contains("s3cret"));
    }
}

//! Answers HTTP requests in the server's place.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use steadfast_model::{
    Effect, InjectionId, Observation, Percent, Problems, ResolvedTarget,
    proxy::{HttpMatch, Protocol, ProxyFault},
};

use crate::{
    Fault, FaultError, Preview,
    on_proxy::{self, Counts, Plan},
    settings::{check_match, check_share, everything, share_of, which},
    world::{Injection, NewRule, World},
};

/// Answers HTTP requests in the server's place, which never sees them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HttpStatus {
    /// The status of the answer, 200 to 599.
    pub status: u16,
    /// The body of the answer, at most 64 KiB.
    #[serde(default)]
    pub body: String,
    /// Which requests; all of them when left out.
    #[serde(default, rename = "match")]
    pub matching: HttpMatch,
    /// The share of matching requests it applies to.
    #[serde(default = "everything")]
    pub percent: Percent,
    /// Makes chance repeatable: the same seed picks the same requests.
    #[serde(default)]
    pub seed: u64,
}

const KIND: &str = "httpStatus";
const NEEDS: Protocol = Protocol::Http;
const COUNTS: Counts = Counts { things: "requests", done: "answered" };

#[async_trait]
impl Fault for HttpStatus {
    fn check(&self, problems: &mut Problems) {
        self.check_answer(problems);
        check_match(&self.matching, problems);
        check_share(self.percent, problems);
    }

    async fn preflight(&self, world: &dyn World, targets: &[ResolvedTarget]) -> Result<Preview, FaultError> {
        let does = format!(
            "answer {}{} with {}",
            share_of(self.percent, "request", "requests"),
            which(&self.matching),
            self.status,
        );
        let plan = Plan { kind: KIND, needs: NEEDS, does, holds: self.holds(), warnings: Vec::new() };
        on_proxy::preflight(plan, world, targets).await
    }

    async fn inject(&self, world: &mut dyn Injection, targets: &[ResolvedTarget]) -> Result<(), FaultError> {
        let fault = ProxyFault::HttpStatus {
            status: self.status,
            body: self.body.clone(),
            matching: self.matching.clone(),
        };
        let rule = NewRule { fault, percent: self.percent, seed: self.seed };
        on_proxy::inject(KIND, NEEDS, rule, world, targets).await
    }

    async fn observe(
        &self,
        world: &dyn World,
        targets: &[ResolvedTarget],
        injection: InjectionId,
    ) -> Result<Observation, FaultError> {
        on_proxy::observe(world, targets, injection).await
    }

    fn judge(&self, before: &Observation, now: &Observation) -> Effect {
        on_proxy::judge(COUNTS, before, now)
    }
}

/// The longest body: 64 KiB.
const LONGEST_BODY: usize = 64 * 1024;

impl HttpStatus {
    fn check_answer(&self, problems: &mut Problems) {
        if !(200..=599).contains(&self.status) {
            let hint = Some("write a final status from 200 to 599, such as 503");
            problems.error(&["status"], format!("{} does not end a request", self.status), hint);
        }
        if self.body.len() > LONGEST_BODY {
            let message = format!("a body of {} bytes is longer than 64 KiB", self.body.len());
            problems.error(&["body"], message, Some("shorten it to at most 65536 bytes"));
        }
        // RFC 9110, sections 15.3.5, 15.3.6 and 15.4.5.
        if !self.body.is_empty() && matches!(self.status, 204 | 205 | 304) {
            let message = format!("an answer with status {} has no body", self.status);
            problems.error(&["body"], message, Some("leave the body out, or take another status"));
        }
    }

    /// When every request is answered, none is left for a delay.
    fn holds(&self) -> &'static [&'static str] {
        let nothing_passes = self.percent == Percent::ALL && self.matching == HttpMatch::default();
        if nothing_passes { &["http-delay", "http-status"] } else { &["http-status"] }
    }
}

#[cfg(test)]
mod tests;

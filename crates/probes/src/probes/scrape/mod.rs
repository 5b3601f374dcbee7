//! Reads a service's own counters.

mod buckets;
mod page;
mod sieve;
#[cfg(test)]
mod tests;
mod watch;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use steadfast_model::{Duration, Problems, secret::TextOrSecret};

use crate::{Probe, Selector, Watch, address, headers};

/// Reads a service's own counters from its `/metrics` page and counts what happened between two readings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Scrape {
    /// The service, by the binding. Either this or `url`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The address of its page. With `service`, leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Headers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, TextOrSecret>,
    /// The page must be complete within this time. At most a minute.
    #[serde(default = "two_seconds")]
    pub timeout: Duration,
    /// Events and bad ones from counters. Either this or `latency`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ratio: Option<Ratio>,
    /// Slow events from a histogram. Either this or `ratio`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<Latency>,
}

/// Which counters hold all events, and which the bad or the good ones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ratio {
    /// Series that count bad events. Either this or `good`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bad: Option<Selector>,
    /// Series that count good events. Either this or `bad`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub good: Option<Selector>,
    /// Series that count all events.
    pub total: Selector,
    /// A metric `bad` or `good` that is on no page stands for no such event yet, instead of for a wrong name. For
    /// services that show a counter only once it has counted something.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub absent_is_zero: bool,
}

/// Which histogram holds how long events took, and what is too long.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Latency {
    /// The histogram, by its name without `_bucket`.
    pub histogram: Selector,
    /// Longer is bad. It should be a bucket bound.
    pub threshold: Duration,
    /// What the bounds are in.
    #[serde(default)]
    pub unit: Unit,
}

/// What a histogram's bounds are in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Unit {
    /// Seconds, as Prometheus recommends.
    #[default]
    Seconds,
    /// Thousandths of a second.
    Milliseconds,
}

impl Unit {
    /// How many of it make a second.
    fn per_second(self) -> f64 {
        match self {
            Self::Seconds => 1.0,
            Self::Milliseconds => 1_000.0,
        }
    }
}

fn two_seconds() -> Duration {
    Duration::from_secs(2)
}

impl Probe for Scrape {
    fn check(&self, problems: &mut Problems) {
        address::check(self.service.as_deref(), self.url.as_deref(), None, problems);
        headers::check(&self.headers, problems);
        address::check_timeout(self.timeout.std(), problems);
        let hint =
            Some("ratio: { bad: SERIES, total: SERIES } or latency: { histogram: SERIES, threshold: 300ms }");
        match (&self.ratio, &self.latency) {
            (None, None) => problems.error(&[], "neither `ratio` nor `latency` says what to count", hint),
            (Some(_), Some(_)) => {
                problems.error(&["latency"], "both `ratio` and `latency` are given", Some("use two probes"))
            }
            _ => {}
        }
        if let Some(ratio) = &self.ratio {
            ratio.check(problems);
        }
        if let Some(latency) = &self.latency {
            latency.check(problems);
        }
    }

    fn describe(&self) -> String {
        let place = match (&self.service, &self.url) {
            (Some(service), _) => service.as_str(),
            (None, url) => url.as_deref().map_or("nowhere", address::shown),
        };
        match (&self.ratio, &self.latency) {
            (Some(Ratio { bad: Some(bad), total, .. }), _) => {
                format!("{place} counts {total}: bad are {bad}")
            }
            (Some(Ratio { good, total, .. }), _) => {
                let good = good.as_ref().map_or_else(String::new, ToString::to_string);
                format!("{place} counts {total}: bad are all but {good}")
            }
            (None, Some(Latency { histogram, threshold, .. })) => {
                format!("{place} counts {histogram}: bad are those longer than {threshold}")
            }
            (None, None) => format!("{place} counts nothing"),
        }
    }

    fn watch(&self) -> Box<dyn Watch> {
        Box::new(watch::ScrapeWatch::new(self.clone()))
    }
}

impl Ratio {
    fn check(&self, problems: &mut Problems) {
        match (&self.bad, &self.good) {
            (None, None) => {
                problems.error(&["ratio"], "neither `bad` nor `good` is given", Some("name one of them"))
            }
            (Some(_), Some(_)) => problems.error(
                &["ratio", "good"],
                "both `bad` and `good` are given",
                Some("keep one: the other follows from `total`"),
            ),
            (Some(part), None) | (None, Some(part)) if *part == self.total => problems.error(
                &["ratio", "total"],
                format!("`{part}` counts both a part and all of the events"),
                Some("the part needs a label matcher more, such as code=~\"5..\""),
            ),
            _ => {}
        }
    }
}

impl Latency {
    fn check(&self, problems: &mut Problems) {
        if self.threshold == Duration::ZERO {
            problems.error(&["latency", "threshold"], "nothing happens in no time", Some("write 300ms"));
        }
        let Some(name) = self.histogram.name() else {
            problems.error(
                &["latency", "histogram"],
                "a histogram is named in full",
                Some("http_request_duration_seconds"),
            );
            return;
        };
        for suffix in ["_bucket", "_count", "_sum"] {
            if let Some(base) = name.strip_suffix(suffix) {
                problems.error(
                    &["latency", "histogram"],
                    format!("`{name}` is a part of a histogram"),
                    Some(&format!("write {base}")),
                );
            }
        }
        let in_milliseconds = ["_ms", "_millis", "_milliseconds"].iter().any(|suffix| name.ends_with(suffix));
        if in_milliseconds && self.unit == Unit::Seconds {
            problems.error(
                &["latency", "histogram"],
                format!("`{name}` seems to hold milliseconds, but the unit is seconds"),
                Some("add unit: milliseconds"),
            );
        }
    }
}

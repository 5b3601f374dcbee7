//! Asks a Prometheus what it knows.

mod answer;
mod api;
mod promql;
mod ratio;
mod raw;
#[cfg(test)]
mod tests;
mod value;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use steadfast_model::{Duration, Problems, secret::TextOrSecret};

use crate::{Probe, Selector, Watch, address, headers};

/// Where a Prometheus is asked when the document does not say.
pub const DEFAULT_URL: &str = "http://127.0.0.1:9090";
/// The longest query, in bytes.
pub const LONGEST_QUERY: usize = 4 * 1024;
/// The longest answer, in bytes.
pub const LONGEST_ANSWER: usize = 16 * 1024 * 1024;
/// The most series of an answer.
pub const MOST_SERIES: usize = 10_000;

/// Asks a Prometheus, or whatever speaks its query API, and counts what it knows: events from counters, or whether a
/// value is within its limits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Prometheus {
    /// The Prometheus, as a service of the binding. Either this or `url`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The address below which `/api/v1` is. Without this and `service` it is `http://127.0.0.1:9090`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Headers, such as `authorization` or the name of a tenant.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, TextOrSecret>,
    /// Every answer must be complete within this time. At most a minute.
    #[serde(default = "two_seconds")]
    pub timeout: Duration,
    /// When what Prometheus knows is older than this, the interval is a gap. At most an hour.
    #[serde(default = "a_minute")]
    pub max_age: Duration,
    /// Events and bad ones from counters. Either this or `value`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ratio: Option<CounterRatio>,
    /// A query and the limits its value keeps: one event a look. Either this or `ratio`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<QueryValue>,
}

/// Which counters hold all events, and which the bad or the good ones. Counting is done here, from raw samples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CounterRatio {
    /// Series that count bad events. Either this or `good`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bad: Option<Selector>,
    /// Series that count good events. Either this or `bad`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub good: Option<Selector>,
    /// Series that count all events.
    pub total: Selector,
    /// A metric `bad` or `good` that Prometheus does not know stands for no such event yet, instead of for a wrong name.
    /// For services that show a counter only once it has counted something.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub absent_is_zero: bool,
}

/// A query and the limits its value keeps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct QueryValue {
    /// PromQL that gives one number.
    pub query: String,
    /// A larger value is bad.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<f64>,
    /// A smaller value is bad.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<f64>,
    /// Evaluate it this often, with a range query, and count every value. Without this: once a look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<Duration>,
    /// Series that vanish are no gap: the query stands for those that are left. For what comes and goes by design. A
    /// fault that takes away a target takes its part of the value with it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub series_may_vanish: bool,
}

fn two_seconds() -> Duration {
    Duration::from_secs(2)
}

fn a_minute() -> Duration {
    Duration::from_secs(60)
}

impl Probe for Prometheus {
    fn check(&self, problems: &mut Problems) {
        if self.service.is_some() || self.url.is_some() {
            address::check(self.service.as_deref(), self.url.as_deref(), None, problems);
        }
        if self.url.as_deref().is_some_and(|url| url.contains(['?', '#'])) {
            problems.error(&["url"], "an address of a Prometheus has no query", Some("put it into a header"));
        }
        headers::check(&self.headers, problems);
        address::check_timeout(self.timeout.std(), problems);
        if self.max_age == Duration::ZERO || self.max_age > Duration::from_secs(3600) {
            problems.error(
                &["maxAge"],
                "this is not from above 0s to 1h",
                Some("at least twice the time between two scrapes"),
            );
        }
        let hint =
            Some("ratio: { bad: SERIES, total: SERIES } or value: { query: 'PROMQL', atMost: NUMBER }");
        match (&self.ratio, &self.value) {
            (None, None) => problems.error(&[], "neither `ratio` nor `value` says what to count", hint),
            (Some(_), Some(_)) => {
                problems.error(&["value"], "both `ratio` and `value` are given", Some("use two probes"));
            }
            _ => {}
        }
        if let Some(ratio) = &self.ratio {
            ratio.check(problems);
        }
        if let Some(value) = &self.value {
            value.check(problems);
        }
    }

    fn describe(&self) -> String {
        let place = match (&self.service, &self.url) {
            (Some(service), _) => service.as_str(),
            (None, url) => address::shown(url.as_deref().unwrap_or(DEFAULT_URL)),
        };
        match (&self.ratio, &self.value) {
            (Some(CounterRatio { bad: Some(bad), total, .. }), _) => {
                format!("{place} knows {total}: bad are {bad}")
            }
            (Some(CounterRatio { good, total, .. }), _) => {
                let good = good.as_ref().map_or_else(String::new, ToString::to_string);
                format!("{place} knows {total}: bad are all but {good}")
            }
            (None, Some(value)) => {
                let often = value.every.map_or("at every look".to_owned(), |every| format!("every {every}"));
                format!("{place} evaluates {} {often}: bad unless {}", value.query, value.limits())
            }
            (None, None) => format!("{place} counts nothing"),
        }
    }

    fn watch(&self) -> Box<dyn Watch> {
        match (&self.ratio, &self.value) {
            (None, Some(value)) => Box::new(value::ValueWatch::new(self.clone(), value.clone())),
            (ratio, _) => Box::new(ratio::RatioWatch::new(self.clone(), ratio.clone())),
        }
    }
}

impl CounterRatio {
    /// The series that count a part of the events, and whether that part is the good ones.
    fn part(&self) -> Option<(&Selector, bool)> {
        match (&self.bad, &self.good) {
            (Some(bad), _) => Some((bad, false)),
            (None, Some(good)) => Some((good, true)),
            (None, None) => None,
        }
    }

    fn check(&self, problems: &mut Problems) {
        match (&self.bad, &self.good) {
            (None, None) => {
                problems.error(&["ratio"], "neither `bad` nor `good` is given", Some("name one of them"));
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
        let all = [("bad", self.bad.as_ref()), ("good", self.good.as_ref()), ("total", Some(&self.total))];
        for (key, selector) in all {
            // Our own reader of selectors is a little more generous than Prometheus.
            if let Some(Err(wrong)) = selector.map(|selector| promql::read(&format!("{selector}[1m]"))) {
                problems.error(&["ratio", key], wrong, Some("write it as in Prometheus: name{label=\"…\"}"));
            }
        }
    }
}

impl QueryValue {
    fn check(&self, problems: &mut Problems) {
        match promql::read(&self.query) {
            Err(wrong) => problems.error(
                &["value", "query"],
                wrong,
                Some("try it on the page of your Prometheus first; it must give one number"),
            ),
            Ok(query) if !query.is_number => problems.error(
                &["value", "query"],
                "this gives no numbers but a range of samples or a text",
                Some("put a function around it, such as rate(…) or max_over_time(…)"),
            ),
            Ok(query) if query.selectors.is_empty() => problems.error(
                &["value", "query"],
                "this reads no series, so it says nothing about the system",
                Some("name a metric"),
            ),
            Ok(query) if query.stands_still => problems.error(
                &["value", "query"],
                "this reads a moment that stands still (`@`), which says nothing about now",
                Some("leave `@` out, or compare with `offset`"),
            ),
            Ok(query) if query.selectors.iter().all(|read| read.offset != 0) => problems.error(
                &["value", "query"],
                "this reads nothing of now: all of it has an `offset`",
                Some("leave the `offset` out, or compare what is now with what was"),
            ),
            Ok(query) => self.check_steps(query.range, problems),
        }
        let given = [("atMost", self.at_most), ("atLeast", self.at_least)];
        for (key, limit) in given {
            if limit.is_some_and(|limit| !limit.is_finite()) {
                problems.error(&["value", key], "a limit is a finite number", None);
            }
        }
        match (self.at_least, self.at_most) {
            (None, None) => problems.error(
                &["value"],
                "neither `atMost` nor `atLeast` says what is bad",
                Some("add atMost: NUMBER"),
            ),
            (Some(least), Some(most)) if least > most => {
                problems.error(&["value", "atLeast"], format!("{least} is above `atMost`: {most}"), None);
            }
            _ => {}
        }
        if let Some(every) = self.every
            && !(Duration::from_millis(100)..=Duration::from_secs(60)).contains(&every)
        {
            problems.error(&["value", "every"], "this is not from 100ms to 1m", None);
        }
    }

    /// Steps that are closer than a value reaches back would tell of the same things over and over.
    fn check_steps(&self, range: i64, problems: &mut Problems) {
        let range = Duration::from_millis(u64::try_from(range).unwrap_or(0));
        if let Some(every) = self.every
            && every < range
        {
            problems.error(
                &["value", "every"],
                format!(
                    "each value reaches {range} back: steps of {every} would count the same things again"
                ),
                Some("write a longer `every`, or a shorter range in the query"),
            );
        }
    }

    /// How far back one value reaches.
    #[must_use]
    pub fn range(&self) -> Duration {
        let range = promql::read(&self.query).map_or(0, |query| query.range);
        Duration::from_millis(u64::try_from(range).unwrap_or(0))
    }

    fn is_good(&self, value: f64) -> bool {
        self.at_most.is_none_or(|most| value <= most) && self.at_least.is_none_or(|least| value >= least)
    }

    fn limits(&self) -> String {
        match (self.at_least, self.at_most) {
            (Some(least), Some(most)) => format!("from {least} to {most}"),
            (Some(least), None) => format!("at least {least}"),
            (None, Some(most)) => format!("at most {most}"),
            (None, None) => "anything".to_owned(),
        }
    }
}

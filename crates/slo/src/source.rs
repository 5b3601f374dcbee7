//! Where counts come from: the `metricSource` of an SLI.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use steadfast_model::{
    Duration, Problems,
    yaml::{Place, decode},
};
use steadfast_probes::{Selector, StatusSet};

use crate::document::Location;

/// The type of sources read from a service's own counters.
pub const SCRAPE: &str = "steadfast.dev/scrape";
/// The type of sources counted by the built-in load.
pub const LOAD: &str = "steadfast.dev/load";

/// Where counts come from.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// A service's own counters.
    Scrape(ScrapeSource, Location),
    /// The built-in load.
    Load(LoadSource, Location),
    /// A source Steadfast cannot read yet, by its type.
    Other(String, Location),
}

/// `spec` of `steadfast.dev/scrape`: series of a `/metrics` page. The series are given by `selector`, or by `metric` and
/// `labels`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScrapeSource {
    /// The service, by the binding. Either this or `url`.
    pub service: Option<String>,
    /// The address of its page.
    pub url: Option<String>,
    /// Which series, as Prometheus writes it: `http_requests_total{code=~"5.."}`.
    #[serde(alias = "query", alias = "good", alias = "bad", alias = "total", alias = "histogram")]
    pub selector: Option<Selector>,
    /// The metric's name; for a threshold, a histogram's, without `_bucket`.
    pub metric: Option<String>,
    /// Labels of the series; values are regular expressions that match as a whole.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// What a histogram's bounds are in; `s` unless given.
    #[serde(default)]
    pub unit: Unit,
    /// For `good` or `bad`: a metric that is on no page stands for no such event yet, not for a wrong name.
    #[serde(default)]
    pub absent_is_zero: bool,
}

/// `spec` of `steadfast.dev/load`: requests of the experiment's built-in load.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LoadSource {
    /// The load's name; may be left out when there is only one.
    pub load: Option<String>,
    /// Good are answers with such a status. The load itself must accept just these.
    pub status: Option<String>,
    /// Good are answers within this time from the moment the request was due.
    pub within: Option<Duration>,
    /// What a threshold is about: only `latency`.
    pub metric: Option<LoadMetric>,
    /// What a threshold's value is in; `s` unless given.
    #[serde(default)]
    pub unit: Unit,
}

/// What the built-in load measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum LoadMetric {
    /// The time from the moment a request was due to the end of its answer.
    Latency,
}

/// A unit of time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Unit {
    /// Seconds.
    #[default]
    #[serde(rename = "s")]
    Seconds,
    /// Thousandths of a second.
    #[serde(rename = "ms")]
    Milliseconds,
}

impl Source {
    /// Reads a `metricSource`; `None` after a problem was noted.
    pub(crate) fn read(place: &Place<'_>, problems: &mut Problems) -> Option<Self> {
        let text = |key| place.get(key).and_then(|place| place.node.as_text().map(str::to_owned));
        let location = Location { path: place.path.clone(), span: place.span() };
        let kind = match (text("type"), text("metricSourceRef")) {
            (Some(kind), _) => kind,
            (None, Some(reference)) => {
                return Some(Self::Other(format!("metricSourceRef {reference}"), location));
            }
            (None, None) => {
                let hint = format!("write type: {SCRAPE} or type: {LOAD}");
                problems.push(place.problem("a metric source without `type`", Some(hint)));
                return None;
            }
        };
        if kind != SCRAPE && kind != LOAD {
            return Some(Self::Other(kind, location));
        }
        let Some(spec) = place.get("spec") else {
            problems.push(place.problem("`spec` is missing", None));
            return None;
        };
        let location = Location { path: spec.path.clone(), span: spec.span() };
        match kind.as_str() {
            SCRAPE => {
                let scrape: ScrapeSource = decode(&spec, problems)?;
                problems.below(spec.path.clone(), |problems| scrape.check(problems));
                Some(Self::Scrape(scrape, location))
            }
            _ => {
                let load: LoadSource = decode(&spec, problems)?;
                if let Some(Err(wrong)) = load.status.as_ref().map(|status| StatusSet::parse(&[status])) {
                    problems.push(spec.get("status").unwrap_or(spec).problem(wrong, None));
                }
                Some(Self::Load(load, location))
            }
        }
    }

    /// Where it was read.
    #[must_use]
    pub fn location(&self) -> &Location {
        match self {
            Self::Scrape(_, location) | Self::Load(_, location) | Self::Other(_, location) => location,
        }
    }
}

impl ScrapeSource {
    fn check(&self, problems: &mut Problems) {
        steadfast_probes::address::check(self.service.as_deref(), self.url.as_deref(), None, problems);
        match (&self.selector, &self.metric) {
            (None, None) => {
                let hint =
                    "write metric: http_requests_total, or a selector: 'http_requests_total{code=~\"5..\"}'";
                problems.error(&[], "neither `metric` nor `selector` is given", Some(hint));
            }
            (Some(_), Some(_)) => problems.error(&["metric"], "both `metric` and `selector` are given", None),
            (Some(_), None) if !self.labels.is_empty() => {
                problems.error(&["labels"], "labels go with `metric`; a selector has its own", None);
            }
            (Some(_), None) => {}
            (None, Some(_)) => {
                if let Err(wrong) = self.series() {
                    problems.error(&["metric"], wrong, None);
                }
            }
        }
    }

    /// The series that are meant.
    ///
    /// # Errors
    /// When the name, a label or a regular expression is none.
    pub fn series(&self) -> Result<Selector, String> {
        if let Some(selector) = &self.selector {
            return Ok(selector.clone());
        }
        let name = self.metric.as_deref().unwrap_or_default();
        let matchers: Vec<String> = self
            .labels
            .iter()
            .map(|(label, value)| {
                let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
                format!("{label}=~\"{value}\"")
            })
            .collect();
        match matchers.is_empty() {
            true => name.parse(),
            false => format!("{name}{{{}}}", matchers.join(",")).parse(),
        }
    }
}

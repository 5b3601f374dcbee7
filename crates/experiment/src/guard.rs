//! What ends a run early.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap};
use serde_json::Value;
use steadfast_model::{
    Duration, Percent, Problems,
    yaml::{Place, decode},
};
use steadfast_probes::ProbeSpec;

use crate::{name, split, steady::beside};

/// A condition that ends the run in any phase: a map with one key.
#[derive(Debug, Clone, PartialEq)]
pub enum Guard {
    /// A metric of the steady state is far too bad.
    Metric(MetricGuard),
    /// Something does not answer.
    Http(HttpGuard),
}

/// Trips when the share of bad events of a steady-state metric stays above a limit, while there is traffic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MetricGuard {
    /// Name of the steady state: an SLO's or a probe's.
    pub name: String,
    /// The share of bad events that is too much, below 100%.
    pub above: Percent,
    /// For how long it must be too much; 3s unless given.
    #[serde(rename = "for", default = "three_seconds")]
    pub duration: Duration,
}

/// Trips when a number of looks fail, one after the other.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpGuard {
    /// Its name in events and reports.
    pub name: String,
    /// This many failed looks, one after the other, are too many; 3 unless given.
    pub failures: u32,
    /// The look: an `http` probe.
    pub probe: Box<ProbeSpec>,
}

fn three_seconds() -> Duration {
    Duration::from_secs(3)
}

const METRIC: &str = "metric";
const HTTP: &str = "http";
/// Keys beside the probe's own.
const BESIDE: [&str; 2] = ["name", "failures"];
const FAILURES: u32 = 3;

impl Guard {
    /// Its name: a metric guard is called like the metric.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Metric(guard) => &guard.name,
            Self::Http(guard) => &guard.name,
        }
    }

    pub(crate) fn read(item: &Place<'_>, problems: &mut Problems) -> Option<Self> {
        let (kind, body) = split::one_key(item, "guard", &[METRIC, HTTP], problems)?;
        if kind == METRIC {
            return metric(&body, problems).map(Self::Metric);
        }
        let probe = split::probe(item, &BESIDE, problems);
        let given: Option<String> = split::required(&body, "name", "events and reports need one", problems);
        let failures = match body.get("failures") {
            Some(place) => decode(&place, problems),
            None => Some(FAILURES),
        };
        problems.below(body.path.clone(), |problems| {
            if let Some(name) = &given {
                name::check(&["name"], name, problems);
            }
            if failures.is_some_and(|failures| !(1..=1_000).contains(&failures)) {
                problems.error(&["failures"], "this must be between 1 and 1000", None);
            }
        });
        Some(Self::Http(HttpGuard { name: given?, failures: failures?, probe: Box::new(probe?) }))
    }
}

fn metric(body: &Place<'_>, problems: &mut Problems) -> Option<MetricGuard> {
    let guard: MetricGuard = decode(body, problems)?;
    problems.below(body.path.clone(), |problems| {
        if guard.above.fraction() >= 1.0 {
            problems.error(&["above"], "no share is above 100%", Some("write less, such as 50%"));
        }
        if guard.duration.std() > std::time::Duration::from_secs(3600) {
            problems.error(&["for"], "a guard that waits longer than 1h guards nothing", None);
        }
    });
    Some(guard)
}

impl Serialize for Guard {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        match self {
            Self::Metric(guard) => map.serialize_entry(METRIC, guard)?,
            Self::Http(guard) => {
                let ours = [("name", Value::from(guard.name.as_str())), ("failures", guard.failures.into())];
                map.serialize_entry(HTTP, &beside(&guard.probe, ours))?;
            }
        }
        map.end()
    }
}

//! The document as types. Doc comments are what editors show.

use std::{collections::BTreeMap, time::Duration as StdDuration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use steadfast_model::{Duration, problem::Path};
use steadfast_probes::load::HttpLoad;

use crate::{
    Guard, Inject, MethodStep, Run, SteadyState,
    method::{self, Part},
};

/// `kind` of this document.
pub const KIND: &str = "Experiment";

/// One verification: what is believed, what is done to the system, and what ends it early.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Experiment {
    /// Always `steadfast.dev/v1alpha1`.
    pub api_version: String,
    /// Always `Experiment`.
    pub kind: String,
    /// What it is called.
    pub metadata: Metadata,
    /// What it does.
    pub spec: Spec,
}

/// What a document is called.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Metadata {
    /// Its name: lower-case letters, digits and `-`, at most 63 characters.
    pub name: String,
    /// What it verifies, in one sentence for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Labels to find it by, such as `team: payments`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Notes that nothing is found by.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// What an experiment does.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Spec {
    /// The claim this verifies, by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim: Option<String>,
    /// The hypothesis: these hold while a fault is in place. At least one.
    #[schemars(length(min = 1, max = 50))]
    pub steady_state: Vec<SteadyState>,
    /// Built-in traffic, from the baseline to the end of the recovery.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub load: Vec<LoadEntry>,
    /// What is done, one step after the other. At least one `inject`.
    #[schemars(length(min = 1, max = 100))]
    pub method: Vec<MethodStep>,
    /// What else is expected.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expect: Vec<Expectation>,
    /// What ends the run early, in any phase.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guards: Vec<Guard>,
    /// How long is watched.
    #[serde(default)]
    pub windows: Windows,
    /// How sure the verdict shall be.
    #[serde(default)]
    pub confidence: Confidence,
    /// Values for `${name}`, by name. `null` means that one must be given with `--set name=value`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, crate::parameters::ParameterSchema>")]
    pub parameters: BTreeMap<String, serde_json::Value>,
    /// Names of the environment variables the document may use as `${env.NAME}`. Never for secrets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub environment: Vec<String>,
}

/// Built-in traffic: a map with one key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum LoadEntry {
    /// Open-loop HTTP requests.
    Http(HttpLoad),
}

/// What else is expected: a map with one key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Expectation {
    /// The steady state is back in time.
    Recovery(Recovery),
}

/// The steady state is back in time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Recovery {
    /// Within this time after the fault is gone (after the injection, for a fault that cannot be taken back).
    pub within: Duration,
}

/// How long is watched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Windows {
    /// Before the first fault, at most 24h. A short baseline makes relative tolerances cautious.
    pub baseline: Duration,
    /// After the last fault, until the steady state is back or this time is over; at most 24h. A longer `recovery`
    /// expectation makes it longer.
    pub recovery: Duration,
    /// The length of one interval of measurement, from 100ms to 1m.
    pub interval: Duration,
}

impl Default for Windows {
    fn default() -> Self {
        Self {
            baseline: Duration::from_secs(30),
            recovery: Duration::from_secs(30),
            interval: Duration::from_secs(1),
        }
    }
}

/// How sure the verdict shall be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Confidence {
    /// The chance to say `refuted` although the hypothesis is right; above 0, below 0.5.
    #[schemars(range(min = 0.0, max = 0.5))]
    pub alpha: f64,
    /// The chance to say `held` although the hypothesis is wrong; above 0, below 0.5.
    #[schemars(range(min = 0.0, max = 0.5))]
    pub beta: f64,
}

impl Default for Confidence {
    fn default() -> Self {
        Self { alpha: 0.05, beta: 0.05 }
    }
}

impl Experiment {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.metadata.name
    }

    /// What is injected, in order, each with its place in the document.
    pub fn injections(&self) -> impl Iterator<Item = (Path, &Inject)> {
        method::each(&self.spec.method).filter_map(|(path, part)| match part {
            Part::Inject(inject) => Some((path.key("inject"), inject)),
            Part::Run(_) => None,
        })
    }

    /// The programs that are run, in order, each with its place in the document.
    pub fn programs(&self) -> impl Iterator<Item = (Path, &Run)> {
        method::each(&self.spec.method).filter_map(|(path, part)| match part {
            Part::Run(run) => Some((path.key("run"), run)),
            Part::Inject(_) => None,
        })
    }

    /// The built-in HTTP loads.
    pub fn loads(&self) -> impl Iterator<Item = &HttpLoad> {
        self.spec.load.iter().map(|LoadEntry::Http(load)| load)
    }

    /// The limit of the recovery expectation, if there is one.
    #[must_use]
    pub fn recovery_within(&self) -> Option<Duration> {
        self.spec.expect.iter().map(|Expectation::Recovery(recovery)| recovery.within).min()
    }

    /// How long the steady state is watched after the last fault at most.
    #[must_use]
    pub fn recovery_window(&self) -> Duration {
        self.recovery_within()
            .map_or(self.spec.windows.recovery, |within| within.max(self.spec.windows.recovery))
    }

    /// The time from the start of the first step of the method to the end of the last.
    #[must_use]
    pub fn method_duration(&self) -> Duration {
        let steps = self.spec.method.iter().map(MethodStep::duration);
        steps.fold(StdDuration::ZERO, StdDuration::saturating_add).into()
    }

    /// How long a run takes at most, apart from preflight and the looks at the fault's effect.
    #[must_use]
    pub fn total_duration(&self) -> Duration {
        let around = self.spec.windows.baseline.std().saturating_add(self.recovery_window().std());
        around.saturating_add(self.method_duration().std()).into()
    }
}

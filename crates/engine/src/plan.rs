//! What a run is to do: the engine's own words, whatever document they come from.

mod earlier;
mod forecast;
mod from;

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration as StdDuration};

use steadfast_faults::FaultSpec;
use steadfast_model::{
    Duration, InjectionId, RunId, Target,
    event::{PlannedInjection, PlannedMetric, RunPlan, Tolerance},
    id::run_name,
};
use steadfast_probes::{Probe, load::HttpLoad};

use crate::{
    guard::Guard,
    machine::{Begin, HOLD},
};

pub use earlier::Earlier;
pub use forecast::Foretold;
pub(crate) use forecast::counts;
pub use from::{from, probe};

/// What a run is to do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The experiment's name.
    pub name: String,
    /// What it verifies, for people.
    pub title: String,
    /// Digest of the document, without defaults.
    pub document_digest: String,
    /// Values given to the document's parameters.
    pub parameters: BTreeMap<String, String>,
    /// What is watched.
    pub metrics: Vec<Metric>,
    /// Traffic to make.
    pub loads: Vec<HttpLoad>,
    /// What is done, one after the other.
    pub steps: Vec<Step>,
    /// What ends it early.
    pub guards: Vec<Guard>,
    /// How long is watched.
    pub windows: Windows,
    /// Chance to refute wrongly.
    pub alpha: f64,
    /// Chance to say `held` wrongly.
    pub beta: f64,
    /// Limit of the recovery expectation.
    pub recovery_within: Option<Duration>,
}

/// A metric to watch.
#[derive(Clone)]
pub struct Metric {
    /// Its name, unique in the plan.
    pub name: String,
    /// Where its numbers come from.
    pub probe: Arc<dyn Probe>,
    /// What it may do.
    pub tolerance: Tolerance,
    /// How long after it began a bad event may take to be known as one.
    pub onset: Duration,
    /// Events a second that the plan itself causes; nothing when they come from elsewhere.
    pub traffic: Option<f64>,
    /// What earlier runs measured of it before their faults.
    pub earlier: Option<Earlier>,
}

/// One step.
#[derive(Debug, Clone)]
pub enum Step {
    /// Put a fault in place for some time.
    Inject(Box<Injection>),
    /// Do nothing. Before the first injection it makes the baseline longer.
    Wait(Duration),
}

/// A fault to put in place.
#[derive(Debug, Clone)]
pub struct Injection {
    /// Its id, chosen here so that repeating the order is a no-op.
    pub id: InjectionId,
    /// The fault.
    pub fault: FaultSpec,
    /// Where.
    pub target: Target,
    /// For how long.
    pub duration: Duration,
}

/// How long is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Windows {
    /// Before the first fault.
    pub baseline: Duration,
    /// After the last fault, at most.
    pub recovery: Duration,
    /// One interval.
    pub interval: Duration,
}

impl Plan {
    /// The injection with this id.
    #[must_use]
    pub fn injection(&self, id: InjectionId) -> Option<&Injection> {
        self.injections().find(|injection| injection.id == id)
    }

    /// The injections, in order.
    pub fn injections(&self) -> impl Iterator<Item = &Injection> {
        self.steps.iter().filter_map(|step| match step {
            Step::Inject(injection) => Some(&**injection),
            Step::Wait(_) => None,
        })
    }

    /// The first event's contents: all that the verdict depends on besides what is measured.
    #[must_use]
    pub fn begin(&self, run: RunId) -> Begin {
        Begin {
            run,
            name: run_name(&self.name, run),
            experiment: self.name.clone(),
            document_digest: self.document_digest.clone(),
            parameters: self.parameters.clone(),
            plan: self.run_plan(),
        }
    }

    /// What is recorded of this plan before anything is measured.
    #[must_use]
    pub fn run_plan(&self) -> RunPlan {
        let (mut waited, mut offset, mut injections) = (StdDuration::ZERO, StdDuration::ZERO, Vec::new());
        for step in &self.steps {
            match step {
                Step::Wait(wait) if injections.is_empty() => waited += wait.std(),
                Step::Wait(wait) => offset += wait.std(),
                Step::Inject(injection) => {
                    injections.push(planned(injection, offset));
                    offset += injection.duration.std();
                }
            }
        }
        let last = injections.last();
        let fault = last.map_or(StdDuration::ZERO, |last| last.offset.std() + last.duration.std());
        RunPlan {
            interval: self.windows.interval,
            baseline: (self.windows.baseline.std() + waited).into(),
            fault: fault.into(),
            recovery: self.recovery().into(),
            alpha: self.alpha,
            beta: self.beta,
            metrics: self.metrics.iter().map(Metric::planned).collect(),
            injections,
            recovery_within: self.recovery_within,
        }
    }

    /// Long enough to see a recovery at all, which takes some intervals within tolerance, and whether the expectation is
    /// met.
    fn recovery(&self) -> StdDuration {
        let seen = self.windows.interval.std() * (u32::try_from(HOLD).unwrap_or(u32::MAX).saturating_add(2));
        let least = self.recovery_within.map_or(seen, |within| within.std() + seen);
        self.windows.recovery.std().max(least)
    }
}

impl Metric {
    fn planned(&self) -> PlannedMetric {
        PlannedMetric {
            name: self.name.clone(),
            describes: self.probe.describe(),
            tolerance: self.tolerance,
            onset: self.onset,
            history: self.earlier.as_ref().and_then(Earlier::stored),
        }
    }
}

impl fmt::Debug for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metric")
            .field("name", &self.name)
            .field("probe", &self.probe.describe())
            .field("tolerance", &self.tolerance)
            .finish()
    }
}

fn planned(injection: &Injection, offset: StdDuration) -> PlannedInjection {
    PlannedInjection {
        injection: injection.id,
        fault: serde_json::to_value(&injection.fault).expect("faults are plain data with text keys"),
        target: injection.target.clone(),
        duration: injection.duration,
        offset: offset.into(),
        reversible: injection.fault.as_fault().reversible(),
    }
}

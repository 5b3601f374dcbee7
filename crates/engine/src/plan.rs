//! What a run is to do: the engine's own words, whatever document they come from.

mod command;
mod earlier;
mod forecast;
mod from;
mod timetable;

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

pub use command::Command;
pub use earlier::Earlier;
pub use forecast::Foretold;
pub(crate) use forecast::counts;
pub use from::{from, probe};
use timetable::Timetable;

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

/// One step: branches that go on beside each other. The next step begins when all are over.
#[derive(Debug, Clone)]
pub struct Step {
    /// What is done in each, one after the other.
    pub branches: Vec<Vec<Item>>,
}

/// One thing that is done.
#[derive(Debug, Clone)]
pub enum Item {
    /// Put a fault in place for some time.
    Inject(Box<Injection>),
    /// Do nothing. As a step of its own before all others it makes the baseline longer.
    Wait(Duration),
    /// Run a program.
    Run(Box<Command>),
}

impl From<Item> for Step {
    fn from(item: Item) -> Self {
        Self { branches: vec![vec![item]] }
    }
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
    /// What its fault is called, when there are several: see [`PlannedInjection::name`].
    pub name: Option<String>,
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
        self.items().filter_map(|item| match item {
            Item::Inject(injection) => Some(&**injection),
            Item::Wait(_) | Item::Run(_) => None,
        })
    }

    /// The programs, in order.
    pub fn commands(&self) -> impl Iterator<Item = &Command> {
        self.items().filter_map(|item| match item {
            Item::Run(command) => Some(&**command),
            Item::Wait(_) | Item::Inject(_) => None,
        })
    }

    fn items(&self) -> impl Iterator<Item = &Item> {
        self.steps.iter().flat_map(|step| step.branches.iter().flatten())
    }

    /// How long a run takes at most, apart from preflight and the looks at faults' effects.
    #[must_use]
    pub fn longest(&self) -> StdDuration {
        let Timetable { waited, length, .. } = Timetable::of(&self.steps);
        self.windows.baseline.std() + waited + length + self.recovery()
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
        let Timetable { waited, injections, commands, .. } = Timetable::of(&self.steps);
        let end = |planned: &PlannedInjection| planned.offset.std() + planned.duration.std();
        let fault = injections.iter().map(end).max().unwrap_or_default();
        RunPlan {
            interval: self.windows.interval,
            baseline: (self.windows.baseline.std() + waited).into(),
            fault: fault.into(),
            recovery: self.recovery().into(),
            alpha: self.alpha,
            beta: self.beta,
            metrics: self.metrics.iter().map(Metric::planned).collect(),
            injections,
            commands,
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

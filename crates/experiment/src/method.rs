//! What is done: the steps of the method.

mod ramp;

use std::{collections::BTreeMap, iter, slice, time::Duration as StdDuration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use steadfast_faults::FaultSpec;
use steadfast_model::{Duration, Target, problem::Path, secret::TextOrSecret};

pub use ramp::RampStep;

/// One step: a map with one key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum MethodStep {
    /// Put a fault into a target for some time, then take it away.
    Inject(Box<Inject>),
    /// Do nothing for this long, at most 24h.
    Wait(Duration),
    /// Run a program to its end.
    Run(Box<Run>),
    /// Begin all of these at once; the next step begins when all of them are over.
    Parallel(#[schemars(length(min = 2, max = 20))] Vec<ParallelStep>),
}

/// One of several things at once: a map with one key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ParallelStep {
    /// Put a fault into a target for some time, then take it away.
    Inject(Box<Inject>),
    /// Run a program to its end.
    Run(Box<Run>),
}

/// Which fault, into what, for how long.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inject {
    /// The fault: a map with one key.
    pub fault: FaultSpec,
    /// The target: a map with one key.
    pub into: Target,
    /// How long the fault stays and the steady state is watched under it; above zero, at most 24h. After a fault that
    /// cannot be taken back, such as `processKill`, its consequences are watched for this long.
    #[serde(rename = "for")]
    pub duration: Duration,
    /// How long to wait first, when its turn has come.
    #[serde(default, skip_serializing_if = "Duration::is_zero")]
    pub after: Duration,
    /// Makes it stronger step by step: the fault with these parameters instead, one after the other, each for the time
    /// that `for` says. Each step has a verdict of its own, and where harm shows the ramp ends. At most 20 steps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    pub ramp: Vec<RampStep>,
    /// Does it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat: Option<Repeat>,
}

/// Does it again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Repeat {
    /// How often in all, from 2 to 100.
    #[schemars(range(min = 2, max = 100))]
    pub times: u32,
    /// How long to wait between two of them.
    #[serde(default, skip_serializing_if = "Duration::is_zero")]
    pub pause: Duration,
}

/// Runs a program to its end. What it started and left running is killed. What else it does to the system is not taken
/// back: for that there are faults.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Run {
    /// The program and its arguments, word for word: no shell is between.
    pub argv: Vec<String>,
    /// It and all it started are killed after this time, at most 24h; the run has failed then.
    #[serde(default = "one_minute")]
    pub deadline: Duration,
    /// How long to wait first, when its turn has come.
    #[serde(default, skip_serializing_if = "Duration::is_zero")]
    pub after: Duration,
    /// Variables of its environment, beside `PATH`, `HOME`, `USER`, `LANG` and `TZ`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, TextOrSecret>,
    /// Exit codes that mean that it did what it should. With any other the run has failed.
    #[serde(default = "zero")]
    #[schemars(length(min = 1, max = 20))]
    pub exit_codes: Vec<i32>,
}

fn one_minute() -> Duration {
    Duration::from_secs(60)
}

fn zero() -> Vec<i32> {
    vec![0]
}

impl MethodStep {
    /// How long it takes at most, apart from the looks at faults' effects.
    #[must_use]
    pub fn duration(&self) -> StdDuration {
        let parallel = |step: &ParallelStep| match step {
            ParallelStep::Inject(inject) => inject.length(),
            ParallelStep::Run(run) => run.length(),
        };
        match self {
            Self::Inject(inject) => inject.length(),
            Self::Wait(duration) => duration.std(),
            Self::Run(run) => run.length(),
            Self::Parallel(steps) => steps.iter().map(parallel).max().unwrap_or_default(),
        }
    }
}

impl Inject {
    /// How often it is done.
    #[must_use]
    pub fn times(&self) -> u32 {
        self.repeat.as_ref().map_or(1, |repeat| repeat.times)
    }

    /// How many injections these are: each step of the ramp, each time.
    #[must_use]
    pub fn count(&self) -> usize {
        self.ramp.len().max(1).saturating_mul(self.times() as usize)
    }

    fn length(&self) -> StdDuration {
        let count = u32::try_from(self.count()).unwrap_or(u32::MAX);
        let pause = self.repeat.as_ref().map_or(StdDuration::ZERO, |repeat| repeat.pause.std());
        let pauses = pause.saturating_mul(self.times().saturating_sub(1));
        self.after.std().saturating_add(self.duration.std().saturating_mul(count)).saturating_add(pauses)
    }
}

impl Run {
    fn length(&self) -> StdDuration {
        self.after.std().saturating_add(self.deadline.std())
    }
}

/// What steps are made of.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Part<'a> {
    Inject(&'a Inject),
    Run(&'a Run),
}

/// The parts of a method, in order, each with the place of its map in the document.
pub(crate) fn each(method: &[MethodStep]) -> impl Iterator<Item = (Path, Part<'_>)> {
    method.iter().enumerate().flat_map(|(index, step)| {
        let at = Path::default().key("spec").key("method").index(index);
        let parts: Box<dyn Iterator<Item = (Path, Part<'_>)>> = match step {
            MethodStep::Wait(_) => Box::new(iter::empty()),
            MethodStep::Inject(inject) => Box::new(iter::once((at, Part::Inject(inject)))),
            MethodStep::Run(run) => Box::new(iter::once((at, Part::Run(run)))),
            MethodStep::Parallel(steps) => Box::new(beside(at.key("parallel"), steps.iter())),
        };
        parts
    })
}

fn beside<'a>(at: Path, steps: slice::Iter<'a, ParallelStep>) -> impl Iterator<Item = (Path, Part<'a>)> {
    steps.enumerate().map(move |(index, step)| {
        let part = match step {
            ParallelStep::Inject(inject) => Part::Inject(inject),
            ParallelStep::Run(run) => Part::Run(run),
        };
        (at.index(index), part)
    })
}

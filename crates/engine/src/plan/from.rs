//! From an experiment to a plan.

use std::{sync::Arc, time::Duration};

use steadfast_experiment::{Experiment, Guard as WrittenGuard, MethodStep, SteadyState, ToleranceSpec};
use steadfast_model::{
    InjectionId, Problem, Problems,
    event::Tolerance,
    problem::{Path, Severity},
};
use steadfast_probes::{Probe, ProbeSpec, Watch};

use super::{Injection, Metric, Plan, Step, Windows};
use crate::guard::Guard;

/// How many times the error budget's pace is tolerated unless the document says otherwise.
const BURN_RATE: f64 = 10.0;

/// An SLO, as far as a run cares.
#[derive(Clone)]
pub struct Objective {
    /// Its name, as steady states refer to it.
    pub name: String,
    /// The share of good events it asks for, between 0 and 1.
    pub target: f64,
    /// Where its indicator is read.
    pub probe: Arc<dyn Probe>,
}

/// Makes a plan for one run of an experiment that was checked. Every call chooses new injection ids.
///
/// # Errors
/// All problems that only show here, with paths into the document: an SLO that is not among `objectives`, a guard on a
/// metric that is not watched, a fault that is shorter than an interval.
pub fn from(
    experiment: &Experiment,
    document_digest: &str,
    parameters: &std::collections::BTreeMap<String, String>,
    objectives: &[Objective],
) -> Result<Plan, Problems> {
    let mut problems = Problems::new();
    let spec = &experiment.spec;
    let metrics: Vec<Metric> = spec
        .steady_state
        .iter()
        .enumerate()
        .filter_map(|(index, state)| metric(state, &at("steadyState", index), objectives, &mut problems))
        .collect();
    let names: Vec<&str> = spec.steady_state.iter().map(SteadyState::name).collect();
    let interval = spec.windows.interval.std();
    let mut guards = Vec::new();
    for (index, written) in spec.guards.iter().enumerate() {
        guards.extend(guard(written, &at("guards", index), &names, interval, &mut problems));
    }
    let steps = steps(&spec.method, interval, &mut problems);
    if problems.has_errors() {
        return Err(problems);
    }
    Ok(Plan {
        name: experiment.name().to_owned(),
        title: experiment.metadata.title.clone().unwrap_or_else(|| experiment.name().to_owned()),
        document_digest: document_digest.to_owned(),
        parameters: parameters.clone(),
        metrics,
        loads: experiment.loads().cloned().collect(),
        steps,
        guards,
        windows: Windows {
            baseline: spec.windows.baseline,
            recovery: experiment.recovery_window(),
            interval: spec.windows.interval,
        },
        alpha: spec.confidence.alpha,
        beta: spec.confidence.beta,
        recovery_within: experiment.recovery_within(),
    })
}

/// The probe that a document names, as a trait object.
#[must_use]
pub fn probe(spec: ProbeSpec) -> Arc<dyn Probe> {
    Arc::new(Written(spec))
}

fn metric(
    state: &SteadyState,
    path: &Path,
    objectives: &[Objective],
    problems: &mut Problems,
) -> Option<Metric> {
    match state {
        SteadyState::Probe(state) => {
            let Some(tolerance) = state.tolerance.tolerance() else {
                let path = path.key(state.probe.kind()).key("tolerance");
                let hint = "write absolute: 1% or relative: 1.5";
                problems.push(problem(path, "only an SLO has an error budget to burn", Some(hint)));
                return None;
            };
            Some(Metric { name: state.name.clone(), probe: probe((*state.probe).clone()), tolerance })
        }
        SteadyState::Slo(state) => {
            let path = path.key("slo");
            let Some(objective) = objectives.iter().find(|objective| objective.name == state.name) else {
                let known: Vec<&str> = objectives.iter().map(|objective| objective.name.as_str()).collect();
                let hint = steadfast_model::yaml::suggest(&state.name, known)
                    .unwrap_or_else(|| "write the SLO here, or name the file that holds it".to_owned());
                let message = format!("there is no SLO called `{}`", state.name);
                problems.push(problem(path, message, Some(&hint)));
                return None;
            };
            let written = state.tolerance.unwrap_or(ToleranceSpec::BurnRate(BURN_RATE));
            let tolerance = written.tolerance().unwrap_or_else(|| {
                let ToleranceSpec::BurnRate(rate) = written else {
                    unreachable!("all others have a tolerance")
                };
                Tolerance::Absolute(rate * (1.0 - objective.target))
            });
            if matches!(tolerance, Tolerance::Absolute(share) if !(share > 0.0 && share < 1.0)) {
                let target = objective.target * 100.0;
                let message = format!("with an objective of {target} % this tolerates every event to be bad");
                problems.push(problem(path, message, Some("write a smaller tolerance: { burnRate: 2 }")));
                return None;
            }
            Some(Metric { name: state.name.clone(), probe: objective.probe.clone(), tolerance })
        }
    }
}

fn guard(
    written: &WrittenGuard,
    path: &Path,
    metrics: &[&str],
    interval: Duration,
    problems: &mut Problems,
) -> Option<Guard> {
    match written {
        WrittenGuard::Metric(guard) => {
            if !metrics.contains(&guard.name.as_str()) {
                let message = format!("there is no steady state called `{}`", guard.name);
                let hint = steadfast_model::yaml::suggest(&guard.name, metrics.iter().copied());
                problems.push(problem(path.key("metric").key("name"), message, hint.as_deref()));
                return None;
            }
            let intervals = guard.duration.std().as_nanos().div_ceil(interval.as_nanos().max(1)).max(1);
            Some(Guard::Metric {
                metric: guard.name.clone(),
                above: guard.above.fraction(),
                intervals: u64::try_from(intervals).unwrap_or(u64::MAX),
            })
        }
        WrittenGuard::Http(guard) => Some(Guard::Probe {
            name: guard.name.clone(),
            probe: probe((*guard.probe).clone()),
            failures: u64::from(guard.failures),
        }),
    }
}

fn steps(method: &[MethodStep], interval: Duration, problems: &mut Problems) -> Vec<Step> {
    let mut steps = Vec::new();
    for (index, step) in method.iter().enumerate() {
        let path = at("method", index);
        steps.push(match step {
            MethodStep::Wait(duration) => {
                if !method[index..].iter().any(|step| matches!(step, MethodStep::Inject(_))) {
                    let message = "a wait after the last fault does nothing: recovery is watched by itself";
                    let hint = "leave it out; `windows.recovery` says how long is watched";
                    problems.push(problem(path.key("wait"), message, Some(hint)));
                }
                Step::Wait(*duration)
            }
            MethodStep::Inject(inject) => {
                if inject.duration.std() < interval {
                    let message = format!("{} is shorter than one interval of measurement", inject.duration);
                    let hint = "write a longer time, or a shorter `windows.interval`";
                    problems.push(problem(path.key("inject").key("for"), message, Some(hint)));
                }
                Step::Inject(Box::new(Injection {
                    id: InjectionId::new(),
                    fault: inject.fault.clone(),
                    target: inject.into.clone(),
                    duration: inject.duration,
                }))
            }
        });
    }
    steps
}

fn at(list: &str, index: usize) -> Path {
    Path::default().key("spec").key(list).index(index)
}

fn problem(path: Path, message: impl Into<String>, hint: Option<&str>) -> Problem {
    let hint = hint.map(str::to_owned);
    Problem { severity: Severity::Error, path, message: message.into(), hint, span: None }
}

/// A probe of a document as a probe.
struct Written(ProbeSpec);

impl Probe for Written {
    fn check(&self, problems: &mut Problems) {
        self.0.as_probe().check(problems);
    }

    fn describe(&self) -> String {
        self.0.as_probe().describe()
    }

    fn watch(&self) -> Box<dyn Watch> {
        self.0.as_probe().watch()
    }
}

#[cfg(test)]
mod tests;

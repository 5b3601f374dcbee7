//! From an experiment to a plan.

mod onset;
mod slo;
mod steps;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use steadfast_experiment::{Checked, Guard as WrittenGuard, ProbeState, SteadyState};
use steadfast_model::{
    Problem, Problems,
    event::Tolerance,
    problem::{Path, Severity},
    text::harmless,
};
use steadfast_probes::{
    Counted, Probe, ProbeError, ProbeSpec, Watch, load::HttpLoad, probes::prometheus::Prometheus,
    world::World,
};
use steadfast_slo::Slo;

use super::{Metric, Plan, Windows};
use crate::guard::Guard;

/// Makes a plan for one run of an experiment. Every call chooses new injection ids. `slos` are those that steady states
/// may refer to; SLOs that stand in the experiment itself are read from it.
///
/// # Errors
/// All problems that only show here, with paths into the document: an SLO that is not there or cannot be watched, a
/// guard on a metric that is not watched, a fault that is shorter than an interval.
pub fn from(checked: &Checked, slos: &[Slo]) -> Result<Plan, Problems> {
    let mut problems = Problems::new();
    let experiment = &checked.experiment;
    let spec = &experiment.spec;
    let mut metrics = Vec::new();
    for (index, state) in spec.steady_state.iter().enumerate() {
        metrics.extend(match state {
            SteadyState::Probe(state) => probed(checked, state, &at("steadyState", index), &mut problems),
            SteadyState::Slo(state) => slo::metric(checked, index, state, slos, &mut problems),
        });
    }
    let names: Vec<&str> = spec.steady_state.iter().map(SteadyState::name).collect();
    let interval = spec.windows.interval.std();
    let mut guards = Vec::new();
    for (index, written) in spec.guards.iter().enumerate() {
        guards.extend(guard(written, &at("guards", index), &names, interval, &mut problems));
    }
    let steps = steps::of(experiment, metrics.len(), &mut problems);
    onset::check(experiment, &metrics, interval, &mut problems);
    if problems.has_errors() {
        return Err(problems);
    }
    Ok(Plan {
        name: experiment.name().to_owned(),
        title: experiment.metadata.title.clone().unwrap_or_else(|| experiment.name().to_owned()),
        document_digest: checked.digest.clone(),
        parameters: checked.parameters.clone(),
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

fn probed(checked: &Checked, state: &ProbeState, path: &Path, problems: &mut Problems) -> Option<Metric> {
    let Some(tolerance) = state.tolerance.tolerance() else {
        let path = path.key(state.probe.kind()).key("tolerance");
        let hint = "write absolute: 1% or relative: 1.5";
        problems.push(problem(path, "only an SLO has an error budget to burn", Some(hint)));
        return None;
    };
    Some(metric(checked, &state.name, (*state.probe).clone(), tolerance))
}

/// A metric, and what traffic the experiment itself makes for it.
fn metric(checked: &Checked, name: &str, counted: ProbeSpec, tolerance: Tolerance) -> Metric {
    let experiment = &checked.experiment;
    let interval = experiment.spec.windows.interval;
    let traffic = match &counted {
        ProbeSpec::Load(counted) => {
            let wanted = |load: &&HttpLoad| counted.load.as_ref().is_none_or(|name| load.name == *name);
            Some(experiment.loads().filter(wanted).map(|load| load.rate.get()).sum())
        }
        // One look an interval is one event.
        ProbeSpec::Http(_) | ProbeSpec::Command(_) => Some(1.0 / interval.seconds()),
        // At least: with `every` there may be more, as many as there are scrapes.
        ProbeSpec::Prometheus(Prometheus { value: Some(value), .. }) => {
            Some(1.0 / interval.max(value.range()).seconds())
        }
        _ => None,
    };
    let onset = onset::of(&counted, checked);
    Metric { name: name.to_owned(), probe: probe(counted), tolerance, onset, traffic, earlier: None }
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
        Box::new(Harmless(self.0.as_probe().watch()))
    }
}

/// A probe at work whose words can do no harm, wherever they are shown: they may be those of a program or a service that
/// somebody else wrote.
struct Harmless(Box<dyn Watch>);

#[async_trait]
impl Watch for Harmless {
    async fn look(&mut self, world: &dyn World) -> Result<Counted, ProbeError> {
        let mut counted = self.0.look(world).await.map_err(|error| ProbeError {
            what: harmless(&error.what),
            cause: harmless(&error.cause),
            hint: error.hint.as_deref().map(harmless),
            ours: error.ours,
        })?;
        counted.note = counted.note.as_deref().map(harmless);
        Ok(counted)
    }
}

#[cfg(test)]
mod tests;

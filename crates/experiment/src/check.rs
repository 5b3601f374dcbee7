//! What the types cannot say.

mod method;

use std::{collections::HashSet, time::Duration as StdDuration};

use steadfast_model::{Duration, Problems, problem::Path, yaml::suggest};
use steadfast_probes::ProbeSpec;

use crate::{Expectation, Experiment, Guard, SteadyState, name};

const DAY: StdDuration = StdDuration::from_secs(24 * 60 * 60);
const MOST_LOADS: usize = 20;

/// Notes everything that does not fit together.
pub(crate) fn check(experiment: &Experiment, problems: &mut Problems) {
    check_metadata(experiment, problems);
    let spec = Path::default().key("spec");
    check_steady_state(experiment, &spec, problems);
    check_load(experiment, &spec, problems);
    method::check(experiment, &spec, problems);
    check_guards(experiment, &spec, problems);
    problems.below(spec.clone(), |problems| {
        check_windows(experiment, problems);
        if let Some(claim) = &experiment.spec.claim {
            name::check(&["claim"], claim, problems);
        }
        let confidence = experiment.spec.confidence;
        for (key, value) in [("alpha", confidence.alpha), ("beta", confidence.beta)] {
            if !(1e-9..0.5).contains(&value) {
                let hint = Some("0.05 means one wrong verdict in twenty at most");
                problems.error(&["confidence", key], "this must be above 0 and below 0.5", hint);
            }
        }
    });
    for (index, Expectation::Recovery(recovery)) in experiment.spec.expect.iter().enumerate() {
        problems.below(spec.key("expect").index(index), |problems| {
            check_length(&["recovery", "within"], recovery.within, problems);
            if index > 0 {
                problems.error(&[], "`recovery` is expected twice", Some("keep one of them"));
            }
        });
    }
}

fn check_metadata(experiment: &Experiment, problems: &mut Problems) {
    problems.below(Path::default().key("metadata"), |problems| {
        name::check(&["name"], &experiment.metadata.name, problems);
        if experiment.metadata.title.as_ref().is_some_and(|title| title.chars().count() > 200) {
            problems.error(&["title"], "a title has at most 200 characters", None);
        }
    });
}

fn check_steady_state(experiment: &Experiment, spec: &Path, problems: &mut Problems) {
    let loads: Vec<&str> = experiment.loads().map(|load| load.name.as_str()).collect();
    let mut names = HashSet::new();
    for (index, state) in experiment.spec.steady_state.iter().enumerate() {
        problems.below(spec.key("steadyState").index(index), |problems| {
            if !names.insert(state.name()) {
                let hint = Some("give it another name");
                problems.error(&[], format!("there are two steady states called `{}`", state.name()), hint);
            }
            if let SteadyState::Probe(state) = state
                && let ProbeSpec::Load(probe) = &*state.probe
            {
                check_load_of(probe.load.as_deref(), &loads, problems);
            }
        });
    }
    if experiment.spec.steady_state.is_empty() {
        problems.below(spec.clone(), |problems| {
            let hint = "a run without a hypothesis proves nothing: add an slo or a probe that shall hold";
            problems.error(&["steadyState"], "there is no steady state", Some(hint));
        });
    }
}

/// Whether the load that a probe counts is there.
fn check_load_of(load: Option<&str>, loads: &[&str], problems: &mut Problems) {
    let (message, hint) = match load {
        _ if loads.is_empty() => (
            "this experiment makes no load that could be counted".to_owned(),
            Some("add one: spec.load: - http: { name: …, url: …, rate: 50/s }".to_owned()),
        ),
        Some(load) if !loads.contains(&load) => {
            (format!("there is no load `{load}`"), suggest(load, loads.iter().copied()))
        }
        None if loads.len() > 1 => (
            "there are several loads; this does not say which is counted".to_owned(),
            Some(format!("write load: with one of {}", loads.join(", "))),
        ),
        _ => return,
    };
    problems.error(&["load", "load"], message, hint.as_deref());
}

fn check_load(experiment: &Experiment, spec: &Path, problems: &mut Problems) {
    let mut names = HashSet::new();
    for (index, load) in experiment.loads().enumerate() {
        problems.below(spec.key("load").index(index).key("http"), |problems| {
            load.check(problems);
            name::check(&["name"], &load.name, problems);
            if !names.insert(load.name.as_str()) {
                problems.error(&["name"], format!("there are two loads called `{}`", load.name), None);
            }
            if index == MOST_LOADS {
                problems.error(&[], format!("there are more than {MOST_LOADS} loads"), None);
            }
        });
    }
}

fn check_guards(experiment: &Experiment, spec: &Path, problems: &mut Problems) {
    let metrics: Vec<&str> = experiment.spec.steady_state.iter().map(SteadyState::name).collect();
    for (index, guard) in experiment.spec.guards.iter().enumerate() {
        if let Guard::Metric(guard) = guard
            && !metrics.contains(&guard.name.as_str())
        {
            problems.below(spec.key("guards").index(index), |problems| {
                let hint = suggest(&guard.name, metrics.iter().copied());
                let message = format!("there is no steady state `{}`", guard.name);
                problems.error(&["metric", "name"], message, hint.as_deref());
            });
        }
    }
}

fn check_windows(experiment: &Experiment, problems: &mut Problems) {
    let windows = &experiment.spec.windows;
    let interval = windows.interval;
    if interval < Duration::from_millis(100) || interval > Duration::from_secs(60) {
        problems.error(&["windows", "interval"], "an interval is 100ms to 1m long", None);
    }
    check_length(&["windows", "baseline"], windows.baseline, problems);
    check_length(&["windows", "recovery"], windows.recovery, problems);
    if windows.baseline > Duration::ZERO && windows.baseline < interval {
        let hint = format!("one interval is {interval}");
        problems.error(&["windows", "baseline"], "the baseline is shorter than one interval", Some(&hint));
    }
}

fn check_length(path: &[&str], duration: Duration, problems: &mut Problems) {
    if duration == Duration::ZERO {
        problems.error(path, "this must be longer than no time", Some("write a duration such as 20s"));
    } else if duration.std() > DAY {
        problems.error(path, format!("{duration} is longer than 24h"), None);
    }
}

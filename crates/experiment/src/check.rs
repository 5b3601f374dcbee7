//! What the types cannot say.

use std::{collections::HashSet, time::Duration as StdDuration};

use steadfast_model::{Duration, Problems, Target, problem::Path, yaml::suggest};
use steadfast_probes::ProbeSpec;

use crate::{Expectation, Experiment, Guard, Inject, MethodStep, SteadyState, name};

const DAY: StdDuration = StdDuration::from_secs(24 * 60 * 60);
const MOST_STEPS: usize = 100;
const MOST_LOADS: usize = 20;

/// Notes everything that does not fit together.
pub(crate) fn check(experiment: &Experiment, problems: &mut Problems) {
    check_metadata(experiment, problems);
    let spec = Path::default().key("spec");
    check_steady_state(experiment, &spec, problems);
    check_load(experiment, &spec, problems);
    check_method(experiment, &spec, problems);
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

fn check_method(experiment: &Experiment, spec: &Path, problems: &mut Problems) {
    let method = &experiment.spec.method;
    for (index, step) in method.iter().take(MOST_STEPS).enumerate() {
        let at = spec.key("method").index(index);
        match step {
            MethodStep::Wait(duration) => {
                problems.below(at, |problems| check_length(&["wait"], *duration, problems))
            }
            MethodStep::Inject(inject) => check_inject(inject, experiment, &at.key("inject"), problems),
        }
    }
    problems.below(spec.clone(), |problems| {
        if method.len() > MOST_STEPS {
            problems.error(&["method"], format!("there are more than {MOST_STEPS} steps"), None);
        }
        if experiment.injections().next().is_none() {
            let hint = "add a step: - inject: { fault: …, into: …, for: 20s }";
            problems.error(&["method"], "nothing is injected", Some(hint));
        }
        if experiment.total_duration().std() > DAY {
            problems.error(
                &["method"],
                format!("this takes {}; at most 24h", experiment.total_duration()),
                None,
            );
        }
    });
}

fn check_inject(inject: &Inject, experiment: &Experiment, at: &Path, problems: &mut Problems) {
    problems
        .below(at.key("fault").key(inject.fault.kind()), |problems| inject.fault.as_fault().check(problems));
    problems.below(at.clone(), |problems| {
        check_length(&["for"], inject.duration, problems);
        let interval = experiment.spec.windows.interval;
        if inject.duration > Duration::ZERO && inject.duration < interval {
            let hint = format!("one interval is {interval}: make this longer, or windows.interval shorter");
            problems.warning(&["for"], "the fault ends before one interval is measured", Some(&hint));
        }
    });
    problems.below(at.key("into"), |problems| check_target(&inject.into, problems));
}

fn check_target(target: &Target, problems: &mut Problems) {
    match target {
        Target::Process(process) => match (process.pid, process.listening) {
            (Some(0), _) => problems.error(&["process", "pid"], "there is no process 0", None),
            (Some(1), _) => problems.error(&["process", "pid"], "process 1 is never touched", None),
            (_, Some(0)) => problems.error(&["process", "listening"], "there is no port 0", None),
            (Some(_), None) | (None, Some(_)) => {}
            _ => {
                let hint = Some("write { pid: 4711 } or { listening: 7000 }");
                problems.error(&["process"], "exactly one of `pid` and `listening` is needed", hint);
            }
        },
        Target::Proxy(proxy) => {
            if proxy.name.is_some() == proxy.control.is_some() {
                let hint =
                    Some("write { name: payments-risk } as in the binding, or { control: /path/of/socket }");
                problems.error(&["proxy"], "exactly one of `name` and `control` is needed", hint);
            }
        }
        Target::Netns(netns) => match (&netns.name, netns.pid) {
            (Some(name), None) if name.is_empty() || name.starts_with('.') || name.contains('/') => {
                let hint = Some("write a name that `ip netns list` shows");
                problems.error(&["netns", "name"], format!("`{name}` names no network namespace"), hint);
            }
            (Some(_), None) | (None, Some(1..)) => {}
            (None, Some(0)) => problems.error(&["netns", "pid"], "there is no process 0", None),
            _ => {
                let hint = Some("write { name: shop } as `ip netns list` shows it, or { pid: 4711 }");
                problems.error(&["netns"], "exactly one of `name` and `pid` is needed", hint);
            }
        },
        Target::Connection(edge) if edge.from == edge.to => {
            problems.error(&["connection", "to"], "a connection leads to another service", None);
        }
        Target::Connection(edge) => {
            for (key, service) in [("from", &edge.from), ("to", &edge.to)] {
                name::check(&["connection", key], service, problems);
            }
        }
        Target::Service(service) => name::check(&["service"], service, problems),
        Target::Host(_) => {}
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

//! What the types of the method cannot say.

use steadfast_model::{Duration, Problems, Target, problem::Path};
use steadfast_probes::program;

use super::{DAY, check_length};
use crate::{Experiment, Inject, MethodStep, Run, name};

const MOST_STEPS: usize = 100;
const MOST_INJECTIONS: usize = 100;
const MOST_AT_ONCE: usize = 20;
const MOST_RAMP_STEPS: usize = 20;
const MOST_EXIT_CODES: usize = 20;

/// Notes everything that does not fit together.
pub(super) fn check(experiment: &Experiment, spec: &Path, problems: &mut Problems) {
    let method = &experiment.spec.method;
    for (index, step) in method.iter().take(MOST_STEPS).enumerate() {
        let at = spec.key("method").index(index);
        match step {
            MethodStep::Wait(duration) => {
                problems.below(at, |problems| check_length(&["wait"], *duration, problems));
            }
            MethodStep::Parallel(steps) if !(2..=MOST_AT_ONCE).contains(&steps.len()) => {
                let hint = "a single one is a step by itself";
                problems.below(at, |problems| {
                    let message =
                        format!("these are {}; from 2 to {MOST_AT_ONCE} can go on at once", steps.len());
                    problems.error(&["parallel"], message, Some(hint));
                });
            }
            MethodStep::Inject(_) | MethodStep::Run(_) | MethodStep::Parallel(_) => {}
        }
    }
    for (at, inject) in experiment.injections().take(MOST_INJECTIONS) {
        check_inject(inject, experiment, &at, problems);
    }
    for (at, run) in experiment.programs().take(MOST_STEPS) {
        problems.below(at, |problems| check_run(run, problems));
    }
    let injections = experiment.injections().map(|(_, inject)| inject.count()).fold(0, usize::saturating_add);
    problems.below(spec.clone(), |problems| {
        if method.len() > MOST_STEPS {
            problems.error(&["method"], format!("there are more than {MOST_STEPS} steps"), None);
        }
        if injections > MOST_INJECTIONS {
            let message = format!(
                "these are {injections} injections with ramps and repetitions; at most {MOST_INJECTIONS}"
            );
            problems.error(&["method"], message, None);
        }
        if injections == 0 {
            let hint = "add a step: - inject: { fault: …, into: …, for: 20s }";
            problems.error(&["method"], "nothing is injected", Some(hint));
        }
        if experiment.total_duration().std() > DAY {
            let message = format!("this takes {}; at most 24h", experiment.total_duration());
            problems.error(&["method"], message, None);
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
        if inject.ramp.len() > MOST_RAMP_STEPS {
            problems.error(&["ramp"], format!("these are more than {MOST_RAMP_STEPS} steps"), None);
        }
        if let Some(repeat) = &inject.repeat {
            if !(2..=100).contains(&repeat.times) {
                problems.error(&["repeat", "times"], "it can be done 2 to 100 times", None);
            }
            if !inject.fault.as_fault().reversible() {
                let message =
                    format!("`{}` cannot be repeated: its target is gone then", inject.fault.kind());
                problems.error(&["repeat"], message, Some("run the experiment again instead"));
            }
        }
    });
    for (index, step) in inject.ramp.iter().take(MOST_RAMP_STEPS).enumerate() {
        problems.below(at.key("ramp").index(index), |problems| match step.apply(&inject.fault) {
            Ok(fault) => fault.as_fault().check(problems),
            Err(why) => {
                let hint = format!("write parameters of `{}` with other values", inject.fault.kind());
                problems.error(&[], why, Some(&hint));
            }
        });
    }
    problems.below(at.key("into"), |problems| check_target(&inject.into, problems));
}

fn check_run(run: &Run, problems: &mut Problems) {
    program::check(&run.argv, &run.env, problems);
    check_length(&["deadline"], run.deadline, problems);
    if run.exit_codes.is_empty() || run.exit_codes.len() > MOST_EXIT_CODES {
        problems.error(&["exitCodes"], format!("from 1 to {MOST_EXIT_CODES} exit codes can be good"), None);
    }
    if let Some(code) = run.exit_codes.iter().find(|code| !(0..=255).contains(*code)) {
        problems.error(&["exitCodes"], format!("{code} is no exit code: they go from 0 to 255"), None);
    }
}

fn check_target(target: &Target, problems: &mut Problems) {
    match target {
        Target::Process(process) => {
            let at = problems.base().key("process");
            problems.below(at, |problems| process.check(problems));
        }
        Target::Container(container) => {
            let at = problems.base().key("container");
            problems.below(at, |problems| container.check(problems));
        }
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

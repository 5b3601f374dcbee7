//! The steps of a method, with ramps and repetitions written out.

use std::collections::HashMap;

use steadfast_experiment::{Experiment, Inject, MethodStep, ParallelStep, Run};
use steadfast_model::{InjectionId, Problems};

use super::{at, problem};
use crate::plan::{Command, Injection, Item, Step};

/// The most metrics that one finding can have, over all faults.
const MOST: usize = steadfast_analysis::MAX_METRICS;

/// Makes the steps of an experiment that watches so many metrics.
pub(super) fn of(experiment: &Experiment, metrics: usize, problems: &mut Problems) -> Vec<Step> {
    let method = &experiment.spec.method;
    check(experiment, problems);
    let mut steps: Vec<Step> = Vec::new();
    for (index, step) in method.iter().enumerate() {
        match step {
            MethodStep::Wait(duration) => {
                if !method[index..].iter().any(|step| !matches!(step, MethodStep::Wait(_))) {
                    let message = "a wait at the end does nothing: recovery is watched by itself";
                    let hint = "leave it out; `windows.recovery` says how long is watched";
                    problems.push(problem(at("method", index).key("wait"), message, Some(hint)));
                }
                steps.push(Item::Wait(*duration).into());
            }
            MethodStep::Inject(inject) => steps.extend(injections(inject).into_iter().map(Step::from)),
            MethodStep::Run(run) => steps.extend(program(run).into_iter().map(Step::from)),
            MethodStep::Parallel(branches) => {
                let branch = |step: &ParallelStep| match step {
                    ParallelStep::Inject(inject) => injections(inject),
                    ParallelStep::Run(run) => program(run),
                };
                steps.push(Step { branches: branches.iter().map(branch).collect() });
            }
        }
    }
    let faults = name(&mut steps);
    if faults.saturating_mul(metrics) > MOST {
        let message = format!(
            "{metrics} steady states under {faults} faults are {} to judge; at most {MOST}",
            faults * metrics
        );
        let path = steadfast_model::problem::Path::default().key("spec").key("method");
        problems.push(problem(path, message, Some("split the experiment")));
    }
    steps
}

fn check(experiment: &Experiment, problems: &mut Problems) {
    let interval = experiment.spec.windows.interval;
    for (path, inject) in experiment.injections() {
        if inject.duration < interval {
            let message = format!("{} is shorter than one interval of measurement", inject.duration);
            let hint = "write a longer time, or a shorter `windows.interval`";
            problems.push(problem(path.key("for"), message, Some(hint)));
        }
    }
}

/// An injection with its ramp and repetitions. The same step of every repetition has one name: they are judged together.
fn injections(inject: &Inject) -> Vec<Item> {
    // What is wrong with a ramp was found when the document was checked.
    let steps = inject.steps().unwrap_or_default();
    let wait = |duration: steadfast_model::Duration| (!duration.is_zero()).then_some(Item::Wait(duration));
    let mut items: Vec<Item> = wait(inject.after).into_iter().collect();
    for time in 0..inject.times() {
        if let Some(repeat) = inject.repeat.as_ref().filter(|_| time > 0) {
            items.extend(wait(repeat.pause));
        }
        for (fault, step) in &steps {
            let mut name = format!("{} in {}", fault.kind(), inject.into);
            if let Some(step) = step {
                name = format!("{name} with {step}");
            }
            items.push(Item::Inject(Box::new(Injection {
                id: InjectionId::new(),
                fault: fault.clone(),
                target: inject.into.clone(),
                duration: inject.duration,
                name: Some(name),
            })));
        }
    }
    items
}

fn program(run: &Run) -> Vec<Item> {
    let wait = (!run.after.is_zero()).then_some(Item::Wait(run.after));
    let command = Command {
        argv: run.argv.clone(),
        env: run.env.clone(),
        deadline: run.deadline,
        exit_codes: run.exit_codes.clone(),
    };
    wait.into_iter().chain([Item::Run(Box::new(command))]).collect()
}

/// Makes the names of different faults differ; a single fault has none. Answers how many there are.
fn name(steps: &mut [Step]) -> usize {
    let mut faults: HashMap<String, Vec<serde_json::Value>> = HashMap::new();
    let mut names = 0_usize;
    for injection in injections_of(steps) {
        let Some(name) = &mut injection.name else { continue };
        let fault = serde_json::json!([injection.fault, injection.duration]);
        let same = faults.entry(name.clone()).or_default();
        let place = same.iter().position(|other| *other == fault).unwrap_or_else(|| {
            same.push(fault);
            names += 1;
            same.len() - 1
        });
        if place > 0 {
            *name = format!("{name} ({})", place + 1);
        }
    }
    if names == 1 {
        injections_of(steps).for_each(|injection| injection.name = None);
    }
    names
}

fn injections_of(steps: &mut [Step]) -> impl Iterator<Item = &mut Injection> {
    steps.iter_mut().flat_map(|step| step.branches.iter_mut().flatten()).filter_map(|item| match item {
        Item::Inject(injection) => Some(&mut **injection),
        Item::Wait(_) | Item::Run(_) => None,
    })
}

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
    let mut names = HashMap::new();
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
            MethodStep::Inject(inject) => {
                steps.extend(injections(inject, &mut names).into_iter().map(Step::from));
            }
            MethodStep::Run(run) => steps.extend(program(run).into_iter().map(Step::from)),
            MethodStep::Parallel(branches) => {
                let mut branch = |step: &ParallelStep| match step {
                    ParallelStep::Inject(inject) => injections(inject, &mut names),
                    ParallelStep::Run(run) => program(run),
                };
                steps.push(Step { branches: branches.iter().map(&mut branch).collect() });
            }
        }
    }
    let faults = names.values().sum::<usize>();
    if faults == 1 {
        injections_of(&mut steps).for_each(|injection| injection.name = None);
    }
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

/// An injection with its ramp and repetitions. A step has one name in every repetition: it is judged over all of them.
/// What is written twice is judged twice, since something may have been done in between. `names` counts who has a name.
fn injections(inject: &Inject, names: &mut HashMap<String, usize>) -> Vec<Item> {
    // What is wrong with a ramp was found when the document was checked.
    let mut steps = inject.steps().unwrap_or_default();
    for (fault, step) in &mut steps {
        let with = step.as_ref().map_or(String::new(), |step| format!(" with {step}"));
        let name = format!("{} in {}{with}", fault.kind(), inject.into);
        let same = names.entry(name.clone()).or_default();
        *same += 1;
        *step = Some(if *same > 1 { format!("{name} ({same})") } else { name });
    }
    let wait = |duration: steadfast_model::Duration| (!duration.is_zero()).then_some(Item::Wait(duration));
    let mut items: Vec<Item> = wait(inject.after).into_iter().collect();
    for time in 0..inject.times() {
        if let Some(repeat) = inject.repeat.as_ref().filter(|_| time > 0) {
            items.extend(wait(repeat.pause));
        }
        items.extend(steps.iter().map(|(fault, name)| {
            Item::Inject(Box::new(Injection {
                id: InjectionId::new(),
                fault: fault.clone(),
                target: inject.into.clone(),
                duration: inject.duration,
                name: name.clone(),
            }))
        }));
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

fn injections_of(steps: &mut [Step]) -> impl Iterator<Item = &mut Injection> {
    steps.iter_mut().flat_map(|step| step.branches.iter_mut().flatten()).filter_map(|item| match item {
        Item::Inject(injection) => Some(&mut **injection),
        Item::Wait(_) | Item::Run(_) => None,
    })
}

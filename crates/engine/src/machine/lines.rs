//! Faults that are judged by themselves: a run of several faults has a verdict on each, so that harm under one is not
//! thinned out by calm under the others.

use steadfast_analysis::{Increments, Metric};
use steadfast_model::event::RunPlan;

use super::{Injection, Place};

/// Injections that are judged together.
#[derive(Debug, Clone)]
pub(super) struct Line {
    /// What people call it; nothing when the run has no other.
    pub(super) name: Option<String>,
    /// Its injections, by place in the plan.
    pub(super) injections: Vec<usize>,
    /// All of them have been in place for as long as planned.
    pub(super) closed: bool,
}

impl Line {
    /// Intervals for which its fault has been in place, this one included; nothing when none of it is.
    pub(super) fn since(&self, injections: &[Injection]) -> Option<u64> {
        let own = self.injections.iter().map(|&index| &injections[index]);
        own.filter(|injection| injection.place == Place::Injected).map(|injection| injection.judged).min()
    }

    /// Whether its fault is in place.
    pub(super) fn in_place(&self, injections: &[Injection]) -> bool {
        self.injections.iter().any(|&index| injections[index].place == Place::Injected)
    }

    /// Whether its fault was ever seen in effect.
    pub(super) fn active(&self, injections: &[Injection]) -> bool {
        self.injections.iter().any(|&index| injections[index].active)
    }
}

/// The injections of a plan by the name of their fault.
pub(super) fn lines(plan: &RunPlan) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for (index, planned) in plan.injections.iter().enumerate() {
        match lines.iter_mut().find(|line| line.name == planned.name) {
            Some(line) => line.injections.push(index),
            None => lines.push(Line { name: planned.name.clone(), injections: vec![index], closed: false }),
        }
    }
    match &mut lines[..] {
        // Refused before anything is judged.
        [] => lines.push(Line { name: None, injections: vec![], closed: false }),
        [only] => only.name = None,
        _ => {}
    }
    lines
}

/// The metrics once for every line, line by line.
pub(super) fn spread(setup: &Increments, lines: &[Line]) -> Increments {
    let named = |line: &Line, metric: &Metric| match &line.name {
        Some(name) => Metric { name: format!("{} under {name}", metric.name), ..metric.clone() },
        None => metric.clone(),
    };
    let metrics = lines.iter().flat_map(|line| setup.metrics.iter().map(move |metric| named(line, metric)));
    Increments { metrics: metrics.collect(), ..setup.clone() }
}

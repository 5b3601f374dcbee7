//! How long into a fault a metric still tells about the time before it.
//!
//! A request that hangs is known to be bad only when its time is up. Those that begin to hang with the fault are missing
//! from the first counts under it, while the good ones are all there, so the test at the end leaves these counts out. What
//! a Prometheus knows is of its last scrape: the first count under a fault holds what was before it.

use std::time::Duration as StdDuration;

use steadfast_experiment::{Checked, Experiment};
use steadfast_model::{Duration, Problems};
use steadfast_probes::{
    ProbeSpec,
    probes::{load::Good, prometheus::QueryValue},
};

use super::problem;
use crate::plan::Metric;

/// The onset of what a probe counts. Other probes than these know at once, or count what their service knows.
pub(super) fn of(probe: &ProbeSpec, checked: &Checked) -> Duration {
    let counted = match probe {
        ProbeSpec::Load(counted) => counted,
        // What a Prometheus knows is up to one scrape old, and every interval holds one. A value reaches back besides.
        ProbeSpec::Prometheus(known) => {
            let range = known.value.as_ref().map_or(Duration::ZERO, QueryValue::range);
            return (checked.experiment.spec.windows.interval.std() + range.std()).into();
        }
        _ => return Duration::ZERO,
    };
    let named = |name: &str| counted.load.as_deref().is_none_or(|wanted| wanted == name);
    let timeouts = checked.experiment.loads().filter(|load| named(&load.name)).map(|load| load.timeout);
    let timeout = timeouts.max().unwrap_or(Duration::ZERO);
    match counted.good {
        Good::Answered => timeout,
        Good::Within(limit) => timeout.min(limit),
    }
}

/// Faults that are over before anything that hangs under them is known to.
pub(super) fn check(
    experiment: &Experiment,
    metrics: &[Metric],
    interval: StdDuration,
    problems: &mut Problems,
) {
    let Some(slowest) = metrics.iter().max_by_key(|metric| metric.onset) else { return };
    for (path, inject) in experiment.injections() {
        if inject.duration.std() < slowest.onset.std() + interval && slowest.onset > Duration::ZERO {
            let (name, onset, length) = (&slowest.name, slowest.onset, inject.duration);
            let message = format!(
                "{length} is too short for `{name}`: it shows all that is bad only {onset} after a fault began"
            );
            let hint =
                "write a longer time; or a shorter `timeout` in the load, `interval`, or range of the query";
            problems.push(problem(path.key("for"), message, Some(hint)));
        }
    }
}

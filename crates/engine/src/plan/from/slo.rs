//! A steady state that is an SLO.

use steadfast_experiment::{Checked, SloState, ToleranceSpec};
use steadfast_model::{Problems, event::Tolerance, problem::Path, yaml::suggest};
use steadfast_probes::{ProbeSpec, StatusSet};
use steadfast_slo::{Slo, SloMetric, read_inline};

use super::{at, problem};
use crate::plan::Metric;

/// The metric of the SLO in `spec.steadyState[index]`: one that stands there, or one of `slos`.
pub(super) fn metric(
    checked: &Checked,
    index: usize,
    state: &SloState,
    slos: &[Slo],
    problems: &mut Problems,
) -> Option<Metric> {
    let path = at("steadyState", index).key("slo");
    let inline = match checked.inline_slo(index) {
        Some(place) => Some(read_inline(&place, problems)?),
        None => None,
    };
    let Some(slo) = inline.as_ref().or_else(|| slos.iter().find(|slo| slo.name == state.name)) else {
        let hint = suggest(&state.name, slos.iter().map(|slo| slo.name.as_str()))
            .unwrap_or_else(|| "write the SLO here, or name the file that holds it".to_owned());
        let message = format!("there is no SLO called `{}`", state.name);
        problems.push(problem(path.key("ref"), message, Some(&hint)));
        return None;
    };
    let (counted, tolerance, accepts) = match watched(slo, state.tolerance) {
        Ok(watched) => watched,
        Err(found) => {
            tell(found, inline.is_some(), &state.name, &path, problems);
            return None;
        }
    };
    if let (Some(accepts), ProbeSpec::Load(load)) = (accepts, &counted) {
        check_accepted(checked, load.load.as_deref(), &accepts, &path, problems);
    }
    Some(super::metric(checked, &state.name, counted, tolerance))
}

/// What is counted, what is tolerated, and which statuses are good.
fn watched(
    slo: &Slo,
    tolerance: Option<ToleranceSpec>,
) -> Result<(ProbeSpec, Tolerance, Option<String>), Problems> {
    let all = |metric: SloMetric| (metric.probe, metric.tolerance, metric.accepts);
    match tolerance {
        None => slo.metric().map(all),
        Some(ToleranceSpec::BurnRate(rate)) => slo.metric_at(rate).map(all),
        Some(own) => {
            let (counted, accepts) = slo.counted()?;
            let tolerance = own.tolerance().expect("only a burn rate needs the objective");
            Ok((counted, tolerance, accepts))
        }
    }
}

/// Problems of an SLO in another file are told where it is referred to: their own places are not in this document.
fn tell(found: Problems, inline: bool, name: &str, path: &Path, problems: &mut Problems) {
    for mut one in found.all().iter().cloned() {
        if !inline {
            one.message = format!("the SLO `{name}` cannot be watched: {}", one.message);
            one.path = path.key("ref");
            one.span = None;
        }
        problems.push(one);
    }
}

/// A load counts answers as good by its own list: an SLO that names statuses must name the same.
fn check_accepted(
    checked: &Checked,
    load: Option<&str>,
    accepts: &str,
    path: &Path,
    problems: &mut Problems,
) {
    let wanted: Vec<&str> = accepts.split(',').map(str::trim).collect();
    let wanted = match StatusSet::parse(&wanted) {
        Ok(wanted) => wanted,
        Err(why) => return problems.push(problem(path.clone(), why, None)),
    };
    let counted = checked.experiment.loads().filter(|one| load.is_none_or(|name| one.name == name));
    for one in counted {
        if (100..=599).any(|status| one.accept.contains(status) != wanted.contains(status)) {
            let (name, accepted) = (&one.name, &one.accept);
            let message = format!("this SLO calls {wanted} good, but the load `{name}` accepts {accepted}");
            let hint = format!("write accept: [{accepts}] in the load");
            problems.push(problem(path.clone(), message, Some(&hint)));
        }
    }
}

//! An SLO as something an experiment can watch.

use std::time::Duration as StdDuration;

use steadfast_model::{Duration, Problem, Problems, event::Tolerance};
use steadfast_probes::{
    ProbeSpec,
    probes::{
        load::{Good, Load},
        scrape::{Latency, Ratio, Scrape, Unit as BoundUnit},
    },
};

use crate::{
    IndicatorRef, LoadSource, Objective, ScrapeSource, Sli, Slo, Source,
    source::{LOAD, SCRAPE, Unit},
};

/// How many times as fast as the objective allows the error budget may be spent while a fault is in place.
pub const DEFAULT_BURN_RATE: f64 = 10.0;

/// What an experiment watches because of an SLO.
#[derive(Debug, Clone, PartialEq)]
pub struct SloMetric {
    /// The SLO's name.
    pub name: String,
    /// What is counted.
    pub probe: ProbeSpec,
    /// The share of good events promised.
    pub target: f64,
    /// The share of bad events that is tolerated: burn rate × (1 − target).
    pub tolerance: Tolerance,
    /// The statuses this SLO calls good, when it names some: the load it counts must accept just these.
    pub accepts: Option<String>,
}

impl Slo {
    /// What to watch, tolerating [`DEFAULT_BURN_RATE`] times the error budget's pace.
    ///
    /// # Errors
    /// When this SLO cannot be watched: see [`Slo::metric_at`].
    pub fn metric(&self) -> Result<SloMetric, Problems> {
        self.metric_at(DEFAULT_BURN_RATE)
    }

    /// What to watch, tolerating `burn_rate` times the error budget's pace.
    ///
    /// # Errors
    /// When the indicator is unknown, composite or of a source that cannot be read; when there is not exactly one
    /// objective; when a threshold's objective has no usable `op` and `value`; when the tolerance would be everything.
    pub fn metric_at(&self, burn_rate: f64) -> Result<SloMetric, Problems> {
        let mut problems = Problems::new();
        let objective = self.only_objective().map_err(|problem| problems.push(problem)).ok();
        let built = objective.and_then(|objective| {
            let probe = self.probe(objective).map_err(|problem| problems.push(*problem)).ok()?;
            Some((objective, probe))
        });
        let Some((objective, (probe, accepts))) = built else { return Err(problems) };
        let mut found = Problems::new();
        probe.as_probe().check(&mut found);
        for mut problem in found.all().to_vec() {
            // Its path is one of the probe's, which nobody wrote.
            problem.path = self.location.path.clone();
            problem.span = Some(self.location.span);
            problems.push(problem);
        }
        let tolerated = burn_rate * (1.0 - objective.target);
        // A target of 0.9 makes it 0.9999999999999998.
        if !(tolerated > 0.0 && tolerated < 1.0 - 1e-9) {
            let hint = "give the experiment's slo a tolerance of its own, such as { absolute: 5% }";
            let message = format!(
                "with a target of {} and {burn_rate} times its error budget, every event may be bad",
                objective.target
            );
            problems.push(objective.location.problem(message, Some(hint.to_owned())));
        }
        if problems.has_errors() {
            return Err(problems);
        }
        let tolerance = Tolerance::Absolute(tolerated);
        Ok(SloMetric { name: self.name.clone(), probe, target: objective.target, tolerance, accepts })
    }

    /// What counts for this SLO, and which statuses are good; for whoever brings a tolerance of their own.
    ///
    /// # Errors
    /// Like [`Slo::metric_at`], apart from the tolerance.
    pub fn counted(&self) -> Result<(ProbeSpec, Option<String>), Problems> {
        let one = |problem| {
            let mut problems = Problems::new();
            problems.push(problem);
            problems
        };
        let objective = self.only_objective().map_err(one)?;
        self.probe(objective).map_err(|problem| one(*problem))
    }

    fn only_objective(&self) -> Result<&Objective, Problem> {
        match self.objectives.as_slice() {
            [objective] => Ok(objective),
            several => {
                let message = format!("this SLO has {} objectives; one can be watched", several.len());
                Err(self.location.problem(message, Some("make it one SLO each".to_owned())))
            }
        }
    }

    fn probe(&self, objective: &Objective) -> Result<(ProbeSpec, Option<String>), Box<Problem>> {
        let indicator = match &self.indicator {
            IndicatorRef::Known(indicator) => indicator,
            IndicatorRef::Named(name, location) => {
                let hint = "give the file that holds this SLI as well".to_owned();
                return Err(Box::new(location.problem(format!("there is no SLI `{name}`"), Some(hint))));
            }
            IndicatorRef::Composite => {
                let hint = "watch the SLOs it is made of".to_owned();
                return Err(Box::new(self.location.problem("a composite SLO cannot be watched", Some(hint))));
            }
        };
        match &indicator.sli {
            Sli::Raw => {
                let hint = "write `total` and either `good` or `bad`".to_owned();
                Err(Box::new(indicator.location.problem("a raw ratio has no counts to judge by", Some(hint))))
            }
            Sli::GoodOfTotal { good, total } => ratio(good, total, true),
            Sli::BadOfTotal { bad, total } => ratio(bad, total, false),
            Sli::Threshold { source } => threshold(source, objective),
        }
    }
}

fn ratio(
    part: &Source,
    total: &Source,
    part_is_good: bool,
) -> Result<(ProbeSpec, Option<String>), Box<Problem>> {
    match (part, total) {
        (Source::Scrape(part, at), Source::Scrape(total, _)) => {
            if (&part.service, &part.url) != (&total.service, &total.url) {
                return Err(Box::new(at.problem("both counters of a ratio must be on the same page", None)));
            }
            let series =
                |source: &ScrapeSource| source.series().map_err(|wrong| Box::new(at.problem(wrong, None)));
            let absent_is_zero = part.absent_is_zero;
            let (part, whole) = (series(part)?, series(total)?);
            let (good, bad) = if part_is_good { (Some(part), None) } else { (None, Some(part)) };
            Ok((scrape(total, Some(Ratio { bad, good, total: whole, absent_is_zero }), None), None))
        }
        (Source::Load(part, at), Source::Load(total, _)) => {
            let wrong = |message: &str, hint: &str| Err(Box::new(at.problem(message, Some(hint.to_owned()))));
            if !part_is_good {
                return wrong("a load counts good answers", "write `good` instead of `bad`");
            }
            if part.load != total.load {
                return wrong("`good` and `total` count different loads", "name the same load in both");
            }
            let narrowed = total.status.is_some() || total.within.is_some();
            if narrowed || part.metric.is_some() || total.metric.is_some() {
                return wrong(
                    "`total` counts all requests of a load",
                    "only `good` may have `status` and `within`",
                );
            }
            let good = part.within.map_or(Good::Answered, Good::Within);
            Ok((ProbeSpec::Load(Load { load: part.load.clone(), good }), part.status.clone()))
        }
        (Source::Other(kind, at), _) | (_, Source::Other(kind, at)) => Err(unreadable(kind, at)),
        (_, Source::Scrape(_, at) | Source::Load(_, at)) => {
            Err(Box::new(at.problem("both counts of a ratio must come from the same type of source", None)))
        }
    }
}

fn threshold(source: &Source, objective: &Objective) -> Result<(ProbeSpec, Option<String>), Box<Problem>> {
    match source {
        Source::Scrape(source, at) => {
            let threshold = limit(objective, source.unit)?;
            let histogram = source.series().map_err(|wrong| Box::new(at.problem(wrong, None)))?;
            let unit = match source.unit {
                Unit::Seconds => BoundUnit::Seconds,
                Unit::Milliseconds => BoundUnit::Milliseconds,
            };
            Ok((scrape(source, None, Some(Latency { histogram, threshold, unit })), None))
        }
        Source::Load(source, at) => {
            let LoadSource { load, status, within: None, metric: _, unit } = source else {
                let hint = "the objective's `value` is the limit".to_owned();
                return Err(Box::new(at.problem("`within` has no place in a threshold", Some(hint))));
            };
            let good = Good::Within(limit(objective, *unit)?);
            Ok((ProbeSpec::Load(Load { load: load.clone(), good }), status.clone()))
        }
        Source::Other(kind, at) => Err(unreadable(kind, at)),
    }
}

/// The latency that is just good.
fn limit(objective: &Objective, unit: Unit) -> Result<Duration, Box<Problem>> {
    let problem =
        |message: &str, hint: &str| Box::new(objective.location.problem(message, Some(hint.to_owned())));
    let (Some(op), Some(value)) = (&objective.op, objective.value) else {
        return Err(problem(
            "a threshold needs `op` and `value`",
            "write op: lte and value: 0.3, in seconds",
        ));
    };
    if op.starts_with('g') {
        return Err(problem("a latency is good when it is small", "write op: lte or op: lt"));
    }
    let seconds = match unit {
        Unit::Seconds => value,
        Unit::Milliseconds => value / 1_000.0,
    };
    match StdDuration::try_from_secs_f64(seconds) {
        Ok(limit) if !limit.is_zero() && limit <= StdDuration::from_secs(24 * 60 * 60) => {
            // Binary fractions of a second are not what people wrote: 0.3 is 300 ms.
            let micros = (seconds * 1e6).round();
            Ok(StdDuration::from_secs_f64(micros / 1e6).max(StdDuration::from_micros(1)).into())
        }
        _ => Err(problem("a latency limit is above zero and at most a day", "write value: 0.3, in seconds")),
    }
}

fn scrape(source: &ScrapeSource, ratio: Option<Ratio>, latency: Option<Latency>) -> ProbeSpec {
    let headers = Default::default();
    let timeout = Duration::from_secs(2);
    let (service, url) = (source.service.clone(), source.url.clone());
    ProbeSpec::Scrape(Scrape { service, url, headers, timeout, ratio, latency })
}

fn unreadable(kind: &str, at: &crate::document::Location) -> Box<Problem> {
    let hint = format!("this version reads {SCRAPE} and {LOAD}");
    Box::new(at.problem(format!("the metric source `{kind}` cannot be read"), Some(hint)))
}

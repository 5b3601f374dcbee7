//! What would have made an inconclusive run conclusive.

use serde::{Deserialize, Serialize};

use crate::arithmetic::ln;
use crate::dispersion::{LONG_ENOUGH, Learned, Rule};
use crate::{EndTest, Source, Tolerance};

/// Longest extension worth proposing, as a multiple of the time observed.
const LONGEST: f64 = 1_000.0;
const FACTORS: [f64; 10] = [1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 7.0, 10.0, 20.0];

/// What would have made an inconclusive run conclusive, all else being as observed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Outlook {
    /// Further seconds under the fault, at this traffic and this rate of bad events. Nothing if no length helps.
    pub extra_seconds: Option<f64>,
    /// The next looser tolerance for which these counts would have been enough to say held.
    pub tolerance: Option<Tolerance>,
    /// Seconds of steady history missing before dispersion need not be assumed.
    pub missing_history_seconds: Option<f64>,
}

impl Outlook {
    /// Looks ahead from what was observed in `seconds` of fault window, in intervals of `interval_seconds`.
    pub(crate) fn of(
        learned: &Learned,
        test: &EndTest,
        levels: Levels,
        seconds: f64,
        interval_seconds: f64,
    ) -> Self {
        let rule = learned.rule(test.tolerance);
        Self {
            extra_seconds: extra_seconds(test, levels, seconds, &rule),
            tolerance: looser(test, levels, |tolerance| learned.rule(tolerance).at(seconds).dispersion.end),
            missing_history_seconds: missing_history(rule.at(seconds).source, interval_seconds),
        }
    }
}

impl Outlook {
    /// Looks ahead beside a control group, given the evidence of holding had all of it been seen so many times.
    pub(crate) fn beside(
        hold_times: impl Fn(f64) -> f64,
        levels: Levels,
        seconds: f64,
        source: Source,
        interval_seconds: f64,
    ) -> Self {
        Self {
            extra_seconds: extra(seconds, |times| hold_times(times) >= ln(1.0 / levels.held)),
            tolerance: None,
            missing_history_seconds: missing_history(source, interval_seconds),
        }
    }
}

/// P-values at or below which something is shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Levels {
    pub(crate) harm: f64,
    pub(crate) held: f64,
}

/// True if not even a fault window without a single bad event could have shown that the tolerance held.
pub(crate) fn too_little_data(test: &EndTest, levels: Levels) -> bool {
    let mut best = *test;
    best.fault.bad = 0.0;
    best.p_held().is_none_or(|p| p > levels.held)
}

fn missing_history(source: Source, interval_seconds: f64) -> Option<f64> {
    match source {
        Source::Assumed { history_seconds } => Some((LONG_ENOUGH - history_seconds).max(interval_seconds)),
        _ => None,
    }
}

fn extra_seconds(test: &EndTest, levels: Levels, seconds: f64, rule: &Rule) -> Option<f64> {
    let tolerated = test.tolerance.rate(test.baseline)?;
    let harmful = test.fault.rate()? > tolerated;
    let conclusive = |factor: f64| {
        let dispersion = rule.at(seconds * factor).dispersion.end;
        let longer = EndTest { fault: test.fault.scaled(factor), dispersion, ..*test };
        if harmful {
            longer.p_harm().is_some_and(|p| p <= levels.harm)
        } else {
            longer.p_held().is_some_and(|p| p <= levels.held)
        }
    };
    extra(seconds, conclusive)
}

/// Seconds beyond `seconds` after which a window so many times as long is conclusive, if one is.
fn extra(seconds: f64, conclusive: impl Fn(f64) -> bool) -> Option<f64> {
    if !conclusive(LONGEST) {
        return None;
    }
    let (mut short, mut long) = (1.0, LONGEST);
    while long / short > 1.001 {
        let middle = f64::sqrt(short * long);
        if conclusive(middle) {
            long = middle;
        } else {
            short = middle;
        }
    }
    Some((long - 1.0) * seconds)
}

fn looser(test: &EndTest, levels: Levels, dispersion_of: impl Fn(Tolerance) -> f64) -> Option<Tolerance> {
    let candidates = FACTORS.iter().filter_map(|&factor| match test.tolerance {
        Tolerance::Relative(rho) => (factor > rho).then_some(Tolerance::Relative(factor)),
        Tolerance::Absolute(rate) => (factor * rate < 1.0).then_some(Tolerance::Absolute(factor * rate)),
    });
    candidates.into_iter().find(|&tolerance| {
        let looser = EndTest { tolerance, dispersion: dispersion_of(tolerance), ..*test };
        looser.p_held().is_some_and(|p| p <= levels.held)
    })
}

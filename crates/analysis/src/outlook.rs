//! What would have made an inconclusive run conclusive.

use serde::{Deserialize, Serialize};

use crate::dispersion::estimate_at;
use crate::{EndTest, Interval, Metric, Source, Tolerance};

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
    /// Looks ahead from what was observed in `seconds` of fault window.
    pub(crate) fn of(
        metric: &Metric,
        test: &EndTest,
        levels: Levels,
        seconds: f64,
        interval: Interval,
    ) -> Self {
        let source = crate::estimate(metric, interval).source;
        Self {
            extra_seconds: extra_seconds(test, levels, seconds),
            tolerance: looser(metric, test, levels, interval),
            missing_history_seconds: match source {
                Source::Assumed { history_seconds } => {
                    Some((900.0 - history_seconds).max(interval.seconds()))
                }
                _ => None,
            },
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

fn extra_seconds(test: &EndTest, levels: Levels, seconds: f64) -> Option<f64> {
    let tolerated = test.tolerance.rate(test.baseline)?;
    let harmful = test.fault.rate()? > tolerated;
    let conclusive = |factor: f64| {
        let longer = EndTest { fault: test.fault.scaled(factor), ..*test };
        if harmful {
            longer.p_harm().is_some_and(|p| p <= levels.harm)
        } else {
            longer.p_held().is_some_and(|p| p <= levels.held)
        }
    };
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

fn looser(metric: &Metric, test: &EndTest, levels: Levels, interval: Interval) -> Option<Tolerance> {
    let candidates = FACTORS.iter().filter_map(|&factor| match test.tolerance {
        Tolerance::Relative(rho) => (factor > rho).then_some(Tolerance::Relative(factor)),
        Tolerance::Absolute(rate) => (factor * rate < 1.0).then_some(Tolerance::Absolute(factor * rate)),
    });
    candidates.into_iter().find(|&tolerance| {
        let dispersion = estimate_at(metric, tolerance, interval).dispersion.end;
        let looser = EndTest { tolerance, dispersion, ..*test };
        looser.p_held().is_some_and(|p| p <= levels.held)
    })
}

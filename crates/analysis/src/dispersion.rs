//! How much more the number of bad events varies than independent events would: the dispersion `phi >= 1` by which
//! all evidence is divided.
//!
//! Learned from the steady history by batch means and then carried over to the rate at which the decision falls,
//! because multiplicative noise (a rate that wanders) has `phi = 1 + c x rate`:
//!
//! * relative tolerance `rho`: `phi = 1 + rho (phi_hat - 1)`, at least 1.2 with fewer than 10 bad events to learn
//!   from;
//! * absolute tolerance `m` with baseline rate `p`: `phi = 1 + max(1, m / p) (phi_hat - 1)`, but no more than what
//!   is assumed without history (below), and never less than `phi_hat` itself: knowing more must not cost more.
//!   With fewer than 10 bad events nothing was learned about how they come, and the assumption is used.
//!
//! **Assumed** with less than 15 minutes of history, or when no block length yields eight blocks: for a relative
//! tolerance `phi_hat >= max(4, 1 + 0.1 x baseline errors per minute)` before the factor above. For an absolute
//! tolerance the same noise is assumed *at the tolerance itself*: `phi >= max(7, 1 + 0.1 x m x requests per
//! minute)`, without a further factor. Reason: `1 + rho x 0.1 x baseline errors per minute` is `1 + 0.1 x` the
//! errors per minute at the tolerance, and these are `m x requests per minute` here; 7 is `1 + rho (4 - 1)` for
//! `rho = 2`, and the dispersion of bursts of geometric size with mean 4. The baseline's own number of errors says
//! little, as it is often zero. `tests/absolute_tolerances.rs` simulates that the error rates hold.

mod batch_means;

pub use batch_means::{batch_means, batch_means_control};

use serde::{Deserialize, Serialize};

use crate::{Interval, Metric, Tolerance};

/// Seconds of history below which dispersion is assumed.
const LONG_ENOUGH: f64 = 900.0;
/// Bad events below which batch means learn nothing.
const LEARNABLE: f64 = 10.0;
const LOW_TRAFFIC_FLOOR: f64 = 1.2;
const ASSUMED_RELATIVE: f64 = 4.0;
const ASSUMED_ABSOLUTE: f64 = 7.0;
/// Assumed growth of dispersion with bad events per minute.
const ASSUMED_GROWTH: f64 = 0.1;
/// Quantiles by which batch means are divided: upper-ish estimates.
const QUANTILES: (f64, f64) = (0.25, 0.10);

/// Dispersion of bad events, used by the stop and by the end test.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Dispersion {
    /// Divides the evidence looked at after every interval.
    pub abort: f64,
    /// Divides the counts of the test at the end; a more cautious estimate.
    pub end: f64,
}

/// Where a dispersion comes from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Source {
    /// The caller said so.
    Given,
    /// Learned from the history.
    Estimated,
    /// The history is long enough but has too few bad events to learn from: a cautious value.
    FewErrors,
    /// The history is too short: a cautious value.
    #[serde(rename_all = "camelCase")]
    Assumed {
        /// Length of the history, gaps not counted.
        history_seconds: f64,
    },
}

/// A dispersion and where it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Estimate {
    /// What is used.
    pub dispersion: Dispersion,
    /// Where it comes from.
    pub source: Source,
}

/// The dispersion to use for `metric`, decided before the fault.
pub fn estimate(metric: &Metric, interval: Interval) -> Estimate {
    estimate_at(metric, metric.tolerance, interval)
}

/// The same, had the tolerance been another one.
pub(crate) fn estimate_at(metric: &Metric, tolerance: Tolerance, interval: Interval) -> Estimate {
    if let Some(dispersion) = metric.dispersion {
        return Estimate { dispersion, source: Source::Given };
    }
    let history = metric.history.as_ref().filter(|history| !history.is_empty()).unwrap_or(&metric.baseline);
    let history_seconds = history.present() as f64 * interval.seconds();
    let learned = (batch_means(history, interval, QUANTILES.0), batch_means(history, interval, QUANTILES.1));
    let few = history.sum().bad < LEARNABLE;
    let (hats, source) = match learned {
        (Some(abort), Some(end)) if history_seconds >= LONG_ENOUGH => {
            ((abort, end), if few { Source::FewErrors } else { Source::Estimated })
        }
        (abort, end) => ((abort.unwrap_or(1.0), end.unwrap_or(1.0)), Source::Assumed { history_seconds }),
    };
    let known = source == Source::Estimated;
    let floor_of = |hat: f64| match tolerance {
        Tolerance::Relative(rho) => {
            let hat = if matches!(source, Source::Assumed { .. }) {
                hat.max(assumed_relative(metric, interval))
            } else {
                hat
            };
            let phi = 1.0 + rho * (hat - 1.0);
            if few { phi.max(LOW_TRAFFIC_FLOOR) } else { phi }
        }
        Tolerance::Absolute(rate) => {
            let assumed = assumed_absolute(metric, rate, interval);
            let baseline = history.sum().rate().unwrap_or(0.0);
            let carried = if known { 1.0 + (rate / baseline).max(1.0) * (hat - 1.0) } else { assumed };
            hat.max(carried.min(assumed))
        }
    };
    let dispersion = Dispersion { abort: floor_of(hats.0), end: floor_of(hats.1) };
    Estimate { dispersion, source }
}

fn assumed_relative(metric: &Metric, interval: Interval) -> f64 {
    let (bad, _) = per_minute(metric, interval);
    ASSUMED_RELATIVE.max(1.0 + ASSUMED_GROWTH * bad)
}

fn assumed_absolute(metric: &Metric, rate: f64, interval: Interval) -> f64 {
    let (_, total) = per_minute(metric, interval);
    ASSUMED_ABSOLUTE.max(1.0 + ASSUMED_GROWTH * rate * total)
}

/// Bad and all events per minute before the fault: of baseline or history, whichever is larger.
fn per_minute(metric: &Metric, interval: Interval) -> (f64, f64) {
    let windows = [Some(&metric.baseline), metric.history.as_ref()];
    windows.into_iter().flatten().fold((0.0, 0.0), |(bad, total): (f64, f64), counts| {
        let minutes = counts.present() as f64 * interval.seconds() / 60.0;
        let sum = counts.sum();
        if minutes > 0.0 {
            (bad.max(sum.bad / minutes), total.max(sum.total / minutes))
        } else {
            (bad, total)
        }
    })
}

//! When harm began and ended, from the change points of all metrics.

use steadfast_analysis::{Counts, Moment, episode, estimate};
use steadfast_model::event::{Dated, DatedHarm};

use super::measured::{Measured, Times, tolerance};

/// Most intervals after the last fault was ordered in which harm is looked for.
const MOST: usize = 20_000;

impl Measured {
    /// When harm began after the last fault was ordered, and when it ended: over all metrics the first beginning and the
    /// last end. Nothing when none shows harm.
    pub(super) fn harm(&self, times: Times) -> Option<DatedHarm> {
        let seconds = self.interval.seconds();
        let offset = |interval: usize| (interval.saturating_sub(times.ordered)) as f64 * seconds;
        let mut found: Option<DatedHarm> = None;
        for (metric, since) in self.increments().metrics.iter().zip(&self.since) {
            let mut counts = Counts::default();
            since.entries().skip(times.ordered).take(MOST).for_each(|entry| counts.push(entry));
            if since.len() > times.ordered.saturating_add(MOST) {
                continue;
            }
            let length = counts.len() as f64 * seconds;
            let phi = estimate(metric, self.interval, length).dispersion.abort;
            let Some(harm) = episode(&counts, metric.baseline.sum(), self.interval, phi) else { continue };
            let began = dated(harm.began, offset(times.injected));
            let ended = harm.ended.map(|ended| dated(ended, offset(times.start)));
            let name = metric.name.clone();
            found = Some(match found {
                None => DatedHarm { first: name.clone(), began, last: name, ended },
                Some(mut all) => {
                    if began.seconds < all.began.seconds {
                        (all.first, all.began) = (name.clone(), began);
                    }
                    let later = match (ended, all.ended) {
                        (_, None) => false,
                        (None, _) => true,
                        (Some(one), Some(other)) => one.seconds > other.seconds,
                    };
                    if later {
                        (all.last, all.ended) = (name, ended);
                    }
                    all
                }
            });
        }
        found
    }

    /// Whether every metric was within its tolerance, on average, from one moment after `start` to another.
    pub(super) fn calm(&self, start: usize, from: f64, to: f64) -> bool {
        let at = |seconds: f64| start + (seconds / self.interval.seconds()).round() as usize;
        self.increments().metrics.iter().zip(&self.metrics).zip(&self.since).all(
            |((metric, planned), since)| {
                let (before, _) = since.split_at(at(to));
                let (_, between) = before.split_at(at(from));
                match (between.sum().rate(), tolerance(planned.tolerance).rate(metric.baseline.sum())) {
                    (Some(rate), Some(tolerated)) => rate <= tolerated,
                    _ => false,
                }
            },
        )
    }
}

/// A moment, counted from `offset` on instead; what comes before is then.
fn dated(moment: Moment, offset: f64) -> Dated {
    let since = |seconds: f64| (seconds - offset).max(0.0);
    Dated { seconds: since(moment.seconds), low: since(moment.low), high: moment.high.map(since) }
}

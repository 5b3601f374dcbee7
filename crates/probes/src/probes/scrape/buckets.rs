//! Turns the cumulative buckets of a histogram into two counters: observations up to a bound, and all of them.

use std::collections::BTreeMap;

use super::{Latency, sieve};
use crate::{counter::Reading, exposition::Sample};

/// The buckets of one page: by series without `le`, then by bound.
#[derive(Default)]
pub(super) struct Buckets(BTreeMap<String, BTreeMap<Bound, f64>>);

/// A bucket's upper bound; infinite for the last. Never NaN.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Bound(f64);

impl Eq for Bound {}

impl PartialOrd for Bound {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Bound {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// What the buckets count.
#[derive(Debug)]
pub(super) struct Split {
    /// Observations up to the bound, by series.
    pub(super) good: Reading,
    /// All observations, by series.
    pub(super) total: Reading,
    /// The bound that was used, in seconds.
    pub(super) bound: f64,
}

impl Buckets {
    /// Adds a `_bucket` sample.
    ///
    /// # Errors
    /// When it has no sound bound, or its value is none a counter can have.
    pub(super) fn take(&mut self, sample: &Sample<'_>) -> Result<(), String> {
        let series = sample.series("le");
        let le = sample.label("le").ok_or_else(|| format!("the bucket {series} has no label `le`"))?;
        let bound: f64 = le.parse().ok().filter(|bound: &f64| !bound.is_nan()).ok_or_else(|| {
            let le: String = le.chars().take(40).collect();
            format!("a bucket has the bound `{le}`, which is no number")
        })?;
        let value = sieve::count(&series, sample.value)?;
        self.0.entry(series).or_default().entry(Bound(bound)).or_insert(value);
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Splits at the smallest bound that all series have and that is not below the threshold: at that bound fewer
    /// observations count as bad than at the threshold itself, never more.
    ///
    /// # Errors
    /// When there is no such bound, or a series has no `+Inf` bucket.
    pub(super) fn split(&self, latency: &Latency) -> Result<Split, String> {
        let scale = latency.unit.per_second();
        let threshold = latency.threshold.seconds() * scale;
        let mut finite: Vec<Bound> = Vec::new();
        for (index, buckets) in self.0.values().enumerate() {
            if !buckets.contains_key(&Bound(f64::INFINITY)) {
                return Err("a histogram has no +Inf bucket".to_owned());
            }
            if index == 0 {
                finite = buckets.keys().copied().filter(|bound| bound.0.is_finite()).collect();
            } else {
                finite.retain(|bound| buckets.contains_key(bound));
            }
        }
        // Bounds such as 0.30000000000000004 are meant as 0.3.
        let bound =
            finite.iter().copied().find(|bound| bound.0 >= threshold * (1.0 - 1e-9)).ok_or_else(|| {
                let largest = finite.last().map_or("no finite bound at all".to_owned(), |last| {
                    format!("the largest is {}", seconds(last.0 / scale))
                });
                format!("no bucket bound is at or above {}: {largest}", latency.threshold)
            })?;
        let of =
            |bound: Bound| self.0.iter().map(|(series, buckets)| (series.clone(), buckets[&bound])).collect();
        Ok(Split { good: of(bound), total: of(Bound(f64::INFINITY)), bound: bound.0 / scale })
    }
}

/// A number of seconds as people read it.
pub(super) fn seconds(seconds: f64) -> String {
    if seconds < 1.0 { format!("{} ms", (seconds * 1e6).round() / 1e3) } else { format!("{seconds} s") }
}

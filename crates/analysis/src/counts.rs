//! Bad events out of all events: summed, and one entry an interval.

use serde::{Deserialize, Serialize};

use crate::document::MAX_COUNT;

/// Bad events and all events of some stretch of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Tally {
    /// Events that failed, or were slower than the threshold.
    pub bad: f64,
    /// All events, bad ones included.
    pub total: f64,
}

impl Tally {
    /// `bad` out of `total`.
    pub fn new(bad: f64, total: f64) -> Self {
        Self { bad, total }
    }

    /// Bad over all; nothing when there was no traffic, never zero.
    pub fn rate(self) -> Option<f64> {
        (self.total > 0.0).then(|| self.bad / self.total)
    }

    /// This entry made usable, or nothing when it can only be treated as missing.
    ///
    /// Counters read at slightly different moments can show more bad events than events; the bad ones did happen,
    /// so the total is raised to them. Negative, infinite and absurd numbers are no measurement.
    pub(crate) fn usable(self) -> Option<Self> {
        let fits = |count: f64| (0.0..=MAX_COUNT).contains(&count);
        (fits(self.bad) && fits(self.total)).then(|| Self::new(self.bad, self.total.max(self.bad)))
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.bad += other.bad;
        self.total += other.total;
    }

    pub(crate) fn scaled(self, factor: f64) -> Self {
        Self::new(self.bad * factor, self.total * factor)
    }
}

/// Increments of two counters, one entry an interval, oldest first. `null` is an interval without a measurement:
/// a gap, never zero.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Counts {
    /// Bad events of each interval.
    pub bad: Vec<Option<f64>>,
    /// All events of each interval.
    pub total: Vec<Option<f64>>,
}

impl Counts {
    /// Counts without gaps.
    pub fn complete(bad: &[f64], total: &[f64]) -> Self {
        Self {
            bad: bad.iter().copied().map(Some).collect(),
            total: total.iter().copied().map(Some).collect(),
        }
    }

    /// Adds one interval at the end; nothing is a gap.
    pub fn push(&mut self, entry: Option<Tally>) {
        self.bad.push(entry.map(|tally| tally.bad));
        self.total.push(entry.map(|tally| tally.total));
    }

    /// Number of intervals, gaps included.
    pub fn len(&self) -> usize {
        self.bad.len().max(self.total.len())
    }

    /// True without any interval.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One entry an interval. Half a measurement is none.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = Option<Tally>> + ExactSizeIterator + '_ {
        (0..self.len()).map(|index| self.get(index))
    }

    /// The entry at `index`, if it was measured.
    pub fn get(&self, index: usize) -> Option<Tally> {
        let bad = (*self.bad.get(index)?)?;
        let total = (*self.total.get(index)?)?;
        Tally::new(bad, total).usable()
    }

    /// Number of intervals that were measured.
    pub fn present(&self) -> usize {
        self.entries().flatten().count()
    }

    /// Share of intervals that were measured; 0 without any interval.
    pub fn completeness(&self) -> f64 {
        if self.is_empty() { 0.0 } else { self.present() as f64 / self.len() as f64 }
    }

    /// The first `index` intervals, and the rest.
    pub fn split_at(&self, index: usize) -> (Self, Self) {
        let part = |entries: &mut dyn Iterator<Item = Option<Tally>>| {
            let mut part = Self::default();
            for entry in entries {
                part.push(entry);
            }
            part
        };
        (part(&mut self.entries().take(index)), part(&mut self.entries().skip(index)))
    }

    /// Sum over all measured intervals.
    pub fn sum(&self) -> Tally {
        sum(self.entries())
    }
}

pub(crate) fn sum(entries: impl Iterator<Item = Option<Tally>>) -> Tally {
    let mut sum = Tally::default();
    for tally in entries.flatten() {
        sum.add(tally);
    }
    sum
}

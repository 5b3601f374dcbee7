//! Takes from a page the series of one selector, and remembers why there may be none.

use std::collections::BTreeSet;

use crate::{Selector, counter::Reading, exposition::Sample};

/// More names than this are not remembered for hints.
const MOST_NAMES: usize = 10_000;

/// Series of one selector on one page.
pub(super) struct Sieve<'a> {
    selector: &'a Selector,
    pub(super) series: Reading,
    pub(super) doubles: usize,
    /// Labels of all series that have the selector's name.
    labels: BTreeSet<String>,
    name_seen: bool,
}

impl<'a> Sieve<'a> {
    pub(super) fn new(selector: &'a Selector) -> Self {
        Self { selector, series: Reading::new(), doubles: 0, labels: BTreeSet::new(), name_seen: false }
    }

    /// Looks at a sample, under the name it goes by for this selector.
    ///
    /// # Errors
    /// When its value is none a counter can have.
    pub(super) fn take(&mut self, name: &str, sample: &Sample<'_>) -> Result<(), String> {
        if self.selector.name() == Some(name) {
            self.name_seen = true;
            if self.labels.len() < MOST_NAMES {
                self.labels.extend(sample.labels.iter().map(|(label, _)| label.to_string()));
            }
        }
        if !self.selector.matches_as(name, sample) {
            return Ok(());
        }
        let series = sample.series("");
        let value = count(&series, sample.value)?;
        // Of two samples of one series, Prometheus keeps the first.
        if let std::collections::btree_map::Entry::Vacant(entry) = self.series.entry(series) {
            entry.insert(value);
        } else {
            self.doubles += 1;
        }
        Ok(())
    }

    /// Whether the selector's metric is on the page, with whatever labels. One without a name is seen by what it finds.
    pub(super) fn name_seen(&self) -> bool {
        self.name_seen || !self.series.is_empty()
    }

    /// The first label the selector needs and no series of that name has: then it can never match.
    pub(super) fn missing_label(&self) -> Option<String> {
        let missing = self
            .name_seen
            .then(|| self.selector.needed_labels().find(|label| !self.labels.contains(*label)))??;
        let labels: Vec<&str> = self.labels.iter().map(String::as_str).take(20).collect();
        let has = if labels.is_empty() { "none at all".to_owned() } else { labels.join(", ") };
        Some(format!("no series of that name has a label `{missing}`; they have {has}"))
    }

    /// Why nothing matches: for people.
    pub(super) fn why_empty(&self, names: &Names) -> String {
        if let Some(missing) = self.missing_label() {
            return missing;
        }
        match self.selector.name() {
            Some(name) if !self.name_seen => {
                let near = steadfast_model::yaml::suggest(name, names.0.iter().map(String::as_str));
                let near = near.filter(|near| near.starts_with("did you mean"));
                format!(
                    "the page has no metric `{name}`{}",
                    near.map_or_else(String::new, |near| format!(": {near}"))
                )
            }
            Some(name) => format!("the page has `{name}`, but no series with these labels"),
            None => "no series on the page matches".to_owned(),
        }
    }
}

/// A value a counter may have.
///
/// # Errors
/// When it is NaN, infinite or negative: then the whole interval cannot be counted.
pub(super) fn count(series: &str, value: f64) -> Result<f64, String> {
    if value.is_finite() && value >= 0.0 {
        Ok(value)
    } else {
        let series: String = series.chars().take(200).collect();
        Err(format!("the counter {series} is {value}"))
    }
}

/// The names of all metrics of a page, for hints.
#[derive(Default)]
pub(super) struct Names(BTreeSet<String>);

impl Names {
    pub(super) fn add(&mut self, name: &str) {
        if self.0.len() < MOST_NAMES && !self.0.contains(name) {
            self.0.insert(name.to_owned());
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

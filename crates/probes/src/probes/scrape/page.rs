//! Takes what a probe needs from a page.

use super::{
    Latency, Ratio, Scrape,
    buckets::{Buckets, seconds},
    sieve::{self, Names, Sieve},
};
use crate::{
    counter::Reading,
    exposition::{ExpositionError, Sample, samples},
};

const STARTED: &str = "process_start_time_seconds";

/// What a probe needs from a page.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// Series that count a part of the events: the bad or the good ones.
    pub(super) part: Reading,
    /// Series that count all of them.
    pub(super) total: Reading,
    /// When the process behind the page started, in seconds since 1970, when the page says so.
    pub(super) started: Option<f64>,
    /// The metric of the part was on the page, with these labels or with others: its name is right.
    pub(super) part_named: bool,
    /// The bucket bound that stands for the threshold, in seconds.
    pub(super) bound: Option<f64>,
    /// What is odd about the page.
    pub(super) notes: Vec<String>,
}

/// Why a page cannot be used.
#[derive(Debug)]
pub(super) enum PageError {
    /// Nothing can be said about the counters.
    Unusable {
        /// Why.
        cause: String,
        /// What to try.
        hint: Option<&'static str>,
    },
    /// The page is sound, but the events are not on it: the counters do not exist yet, or never will.
    NoTotal {
        /// Why nothing was found.
        cause: String,
    },
}

impl From<ExpositionError> for PageError {
    fn from(error: ExpositionError) -> Self {
        Self::Unusable { cause: error.to_string(), hint: error.hint }
    }
}

impl From<String> for PageError {
    fn from(cause: String) -> Self {
        Self::Unusable { cause, hint: None }
    }
}

/// Reads a page for a probe that has been checked. `known` says that the part's metric was on an earlier page.
pub(super) fn read(page: &str, probe: &Scrape, known: bool) -> Result<Page, PageError> {
    match (&probe.ratio, &probe.latency) {
        (Some(ratio), _) => read_ratio(page, ratio, known),
        (None, Some(latency)) => read_latency(page, latency),
        (None, None) => Err("the probe says neither `ratio` nor `latency`".to_owned().into()),
    }
}

fn read_ratio(text: &str, ratio: &Ratio, known: bool) -> Result<Page, PageError> {
    let part = ratio
        .bad
        .as_ref()
        .or(ratio.good.as_ref())
        .ok_or_else(|| "neither `bad` nor `good` is given".to_owned())?;
    let (mut part_sieve, mut total_sieve) = (Sieve::new(part), Sieve::new(&ratio.total));
    let (mut page, names) = walk(text, |sample| {
        part_sieve.take(&sample.name, sample)?;
        total_sieve.take(&sample.name, sample)
    })?;
    if total_sieve.series.is_empty() {
        return Err(nothing(&total_sieve, &ratio.total.to_string(), &names));
    }
    if part_sieve.series.is_empty() {
        let which = if ratio.bad.is_some() { "bad" } else { "good" };
        if let Some(missing) = part_sieve.missing_label() {
            let hint = Some("a matcher for a label that is not there never finds anything");
            return Err(PageError::Unusable {
                cause: format!("`{which}` cannot be counted: {missing}"),
                hint,
            });
        }
        // A name that was never there may be a wrong one: zero bad events would then be nobody's finding.
        if !(part_sieve.name_seen() || known || ratio.absent_is_zero) {
            let hint = Some(
                "if it appears only with the first such event, say so with `absentIsZero: true`; otherwise compare the selector with the page",
            );
            let why = part_sieve.why_empty(&names);
            return Err(PageError::Unusable { cause: format!("`{which}` cannot be counted: {why}"), hint });
        }
        page.notes.push(format!("no {which} event yet: {}", part_sieve.why_empty(&names)));
    }
    let doubles = part_sieve.doubles.max(total_sieve.doubles);
    if doubles > 0 {
        page.notes.push(format!("{doubles} samples repeat a series; the first of each is used"));
    }
    page.part_named = part_sieve.name_seen();
    page.part = part_sieve.series;
    page.total = total_sieve.series;
    Ok(page)
}

fn read_latency(text: &str, latency: &Latency) -> Result<Page, PageError> {
    let mut sieve = Sieve::new(&latency.histogram);
    let mut buckets = Buckets::default();
    let (mut page, names) = walk(text, |sample| match sample.name.strip_suffix("_bucket") {
        Some(base) => {
            sieve.take(base, sample)?;
            if latency.histogram.matches_as(base, sample) { buckets.take(sample) } else { Ok(()) }
        }
        None => Ok(()),
    })?;
    if buckets.is_empty() {
        return Err(nothing(&sieve, &latency.histogram.to_string(), &names));
    }
    let split = buckets.split(latency)?;
    let threshold = latency.threshold.seconds();
    if (split.bound - threshold).abs() > threshold * 1e-6 {
        let bound = seconds(split.bound);
        page.notes
            .push(format!("{} is no bucket bound: counted at {bound}, the nearest above", latency.threshold));
    }
    page.part = split.good;
    page.total = split.total;
    page.bound = Some(split.bound);
    Ok(page)
}

/// Shows every sample to `take`; keeps names and start time.
fn walk(
    text: &str,
    mut take: impl FnMut(&Sample<'_>) -> Result<(), String>,
) -> Result<(Page, Names), PageError> {
    let mut page = Page::default();
    let mut names = Names::default();
    for sample in samples(text) {
        let sample = sample?;
        if sample.name == STARTED && sample.labels.is_empty() {
            page.started = sieve::count(STARTED, sample.value).ok();
        }
        take(&sample)?;
        names.add(sample.name.strip_suffix("_bucket").unwrap_or(&sample.name));
    }
    Ok((page, names))
}

fn nothing(sieve: &Sieve<'_>, selector: &str, names: &Names) -> PageError {
    let why =
        if names.is_empty() { "the page has no samples at all".to_owned() } else { sieve.why_empty(names) };
    PageError::NoTotal { cause: format!("no series `{selector}`: {why}") }
}

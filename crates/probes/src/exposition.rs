//! The text a `/metrics` page is written in: the Prometheus text format 0.0.4, and as much of OpenMetrics 1.0 as
//! pages in the wild hold (`# EOF`, exemplars, timestamps in seconds, quoted names).
//!
//! Read line by line and without copying. The first line that cannot be read ends it: half a page would look like
//! counters that went away.

mod line;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

/// The longest page, in bytes.
pub const LONGEST_PAGE: usize = 16 * 1024 * 1024;
/// The most samples of a page.
pub const MOST_SAMPLES: usize = 1_000_000;
/// The most labels of a sample.
pub const MOST_LABELS: usize = 64;
/// The longest name of a metric or label, in bytes.
pub const LONGEST_NAME: usize = 1024;
/// The longest value of a label, in bytes.
pub const LONGEST_LABEL: usize = 16 * 1024;

/// One line of a page: what one series counts now.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample<'a> {
    /// The metric's name, with suffixes such as `_bucket`.
    pub name: Cow<'a, str>,
    /// Label names and values, in the order of the page; no name comes twice.
    pub labels: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// The value: any float, so also NaN and infinities.
    pub value: f64,
}

impl Sample<'_> {
    /// The value of a label.
    #[must_use]
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(label, _)| label == name).map(|(_, value)| &**value)
    }

    /// What tells this series from all others of a page, whatever the order of its labels. `without` is left out.
    #[must_use]
    pub fn series(&self, without: &str) -> String {
        let mut labels: Vec<_> = self.labels.iter().filter(|(label, _)| label != without).collect();
        labels.sort();
        let labels: Vec<String> = labels.iter().map(|(label, value)| format!("{label}={value:?}")).collect();
        format!("{}{{{}}}", self.name, labels.join(","))
    }
}

/// Why a page cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct ExpositionError {
    /// Which line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub message: String,
    /// What to try.
    pub hint: Option<&'static str>,
}

/// The samples of a page, in its order.
#[must_use]
pub fn samples(page: &str) -> Samples<'_> {
    Samples { lines: Some(page.lines()), page, line: 0, found: 0 }
}

/// Reads one sample after another; ends after the first error.
#[derive(Debug)]
pub struct Samples<'a> {
    lines: Option<std::str::Lines<'a>>,
    page: &'a str,
    line: usize,
    found: usize,
}

impl<'a> Iterator for Samples<'a> {
    type Item = Result<Sample<'a>, ExpositionError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.line == 0 && self.page.len() > LONGEST_PAGE {
            return Some(Err(self.wrong(format!("the page is longer than {LONGEST_PAGE} bytes"))));
        }
        loop {
            let line = self.lines.as_mut()?.next()?.trim_matches([' ', '\t', '\r']);
            self.line += 1;
            if line == "# EOF" {
                self.lines = None;
            } else if !line.is_empty() && !line.starts_with('#') {
                self.found += 1;
                if self.found > MOST_SAMPLES {
                    return Some(Err(self.wrong(format!("the page has more than {MOST_SAMPLES} samples"))));
                }
                return Some(line::sample(line).map_err(|message| self.wrong(message)));
            }
        }
    }
}

impl Samples<'_> {
    fn wrong(&mut self, message: String) -> ExpositionError {
        self.lines = None;
        let start = self.page.trim_start();
        let (message, hint) = if start.starts_with('<') {
            (
                "this is a web page (HTML), not metrics".to_owned(),
                Some("metrics are often at /metrics, on a port of their own"),
            )
        } else if self.found <= 1 && start.starts_with(['[', '{']) {
            (
                format!("this looks like JSON, not metrics: {message}"),
                Some("ask for the Prometheus text format"),
            )
        } else {
            (message, None)
        };
        ExpositionError { line: self.line.max(1), message, hint }
    }
}

/// Letters of a metric's name.
pub(crate) fn is_name_letter(letter: char) -> bool {
    letter == ':' || is_label_letter(letter)
}

/// Letters of a label's name.
pub(crate) fn is_label_letter(letter: char) -> bool {
    letter == '_' || letter.is_ascii_alphanumeric()
}

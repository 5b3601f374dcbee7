//! A finished run as something to read: one HTML file that needs nothing else, Markdown, JUnit XML and JSON.
//!
//! Everything shown is computed from the run's events, by way of [`Story`]. Pure: no files, no clock.

mod chart;
mod html;
mod junit;
mod markdown;
mod story;
mod words;

pub use story::{Mark, Point, Series, SourceText, Story, Teller, Window};
pub use words::{
    dated as dated_in_words, duration as duration_in_words, instant as instant_in_words,
    share as share_in_words,
};

/// The run as one self-contained HTML page: no scripts, no fonts, no images from elsewhere.
#[must_use]
pub fn html(story: &Story) -> String {
    html::page(story).into_string()
}

/// The run as Markdown: for a pull request or the summary of a CI job.
#[must_use]
pub fn markdown(story: &Story) -> String {
    markdown::document(story)
}

/// The run as JUnit XML. Only what was shown passes: what is inconclusive is an error.
#[must_use]
pub fn junit(story: &Story) -> String {
    junit::document(story)
}

/// The run as JSON: what the page shows, for programs.
///
/// # Errors
/// When a value cannot be written as JSON, which only a number that is not finite could cause.
pub fn json(story: &Story) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(story)
}

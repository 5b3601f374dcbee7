//! What the documents say. Field names and rules follow the OpenSLO v1 specification (README.md of OpenSLO/OpenSLO).

use steadfast_model::{
    Problem,
    problem::{Path, Severity, Span},
};

use crate::Source;

/// Where something was read, to point at it later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// Its path in the document.
    pub path: Path,
    /// Its place in the text.
    pub span: Span,
}

impl Location {
    /// An error about what was read here.
    #[must_use]
    pub fn problem(&self, message: impl Into<String>, hint: Option<String>) -> Problem {
        let message = message.into();
        Problem { severity: Severity::Error, path: self.path.clone(), message, hint, span: Some(self.span) }
    }
}

/// A service level objective.
#[derive(Debug, Clone, PartialEq)]
pub struct Slo {
    /// Its name.
    pub name: String,
    /// Its name for people.
    pub display_name: Option<String>,
    /// What it promises.
    pub description: Option<String>,
    /// The service it is about.
    pub service: Option<String>,
    /// What is measured.
    pub indicator: IndicatorRef,
    /// What is promised.
    pub objectives: Vec<Objective>,
    /// Over which time; kept, not interpreted.
    pub time_window: Option<TimeWindow>,
    /// How a budget is counted; kept, not interpreted.
    pub budgeting_method: Option<BudgetingMethod>,
    /// Where it was read.
    pub location: Location,
}

/// What an SLO measures.
#[derive(Debug, Clone, PartialEq)]
pub enum IndicatorRef {
    /// Written in the SLO, or found by its name.
    Known(Box<Indicator>),
    /// An SLI of this name, which has not been found yet.
    Named(String, Location),
    /// Its objectives have indicators of their own.
    Composite,
}

/// A service level indicator.
#[derive(Debug, Clone, PartialEq)]
pub struct Indicator {
    /// Its name, when it has one.
    pub name: Option<String>,
    /// What is good and what is counted.
    pub sli: Sli,
    /// Where it was read.
    pub location: Location,
}

/// What is good and what is counted.
#[derive(Debug, Clone, PartialEq)]
pub enum Sli {
    /// Good of all.
    GoodOfTotal {
        /// What counts the good events.
        good: Source,
        /// What counts all events.
        total: Source,
    },
    /// Bad of all.
    BadOfTotal {
        /// What counts the bad events.
        bad: Source,
        /// What counts all events.
        total: Source,
    },
    /// A ratio somebody else computed: kept, but it has no counts.
    Raw,
    /// Values that are good below (or above) the objective's `value`.
    Threshold {
        /// Where the values come from.
        source: Source,
    },
}

/// One promise.
#[derive(Debug, Clone, PartialEq)]
pub struct Objective {
    /// Its name for people.
    pub display_name: Option<String>,
    /// How values are compared: `lt`, `lte`, `gt`, `gte`.
    pub op: Option<String>,
    /// What values are compared with, in seconds for latencies.
    pub value: Option<f64>,
    /// The share of good events promised, from 0 to below 1.
    pub target: f64,
    /// Where it was read.
    pub location: Location,
}

/// Over which time a promise holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeWindow {
    /// How long: a number and one of `m h d w M Q Y`.
    pub duration: String,
    /// Whether it ends now; else it follows a calendar.
    pub rolling: bool,
    /// Where a calendar's windows start, and in which time zone.
    pub calendar: Option<(String, String)>,
}

/// How a budget is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BudgetingMethod {
    /// By events.
    Occurrences,
    /// By good slices of time.
    Timeslices,
    /// By the mean of slices' ratios.
    RatioTimeslices,
}

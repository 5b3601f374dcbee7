//! Service level objectives as OpenSLO v1 documents, and what an experiment watches because of them.
//!
//! Existing files work: what is unknown or odd is a warning, as even the examples of the OpenSLO specification fail its
//! official validator. What decides a verdict (sources, targets, thresholds) is read strictly. Nothing here computes
//! budgets over a time window, asks a metrics store or opens a file.
//!
//! | module | holds |
//! |---|---|
//! | [`document`] | the types: SLO, SLI, objective, time window |
//! | [`source`] | where counts come from: `steadfast.dev/scrape`, `steadfast.dev/load` |
//! | [`mod@read`] | text to [`SloFile`] |
//! | [`metric`] | an SLO as a probe with a tolerance |

pub mod document;
pub mod metric;
pub mod read;
mod shape;
pub mod source;
mod window;

pub use document::{BudgetingMethod, Indicator, IndicatorRef, Objective, Sli, Slo, TimeWindow};
pub use metric::{DEFAULT_BURN_RATE, SloMetric};
pub use read::{SloFile, read_inline, read_slos};
pub use source::{LoadSource, ScrapeSource, Source};

/// The `apiVersion` of the documents read here.
pub const API_VERSION: &str = "openslo/v1";

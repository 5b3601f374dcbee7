//! Statistics: numbers in, findings out. Decides whether a hypothesis `held`, was `refuted`, or stays
//! `inconclusive`, with stated error rates.
//!
//! Everything here is pure: no clock, no files, no network, no randomness. The same increments give the same
//! finding, bit for bit, on every platform: every transcendental function comes from `libm`, never from the
//! platform.
//!
//! What it promises, per metric: a system within its tolerance is refuted with probability at most `alpha`
//! (0.8 for the stop that is looked at after every interval, 0.2 for the test at the end); a system at or beyond
//! its tolerance is called held with probability at most `beta`. What it never does: call missing data, missing
//! traffic or "no significant difference" held.
//!
//! Judging costs O(1) per interval and metric: only sums are kept, besides the list of evidence that is reported.
//!
//! ```
//! use steadfast_analysis::{Counts, Increments, Interval, Metric, Tolerance, Verdict, judge};
//!
//! let metric = Metric::new(
//!     "checkout",
//!     Tolerance::Absolute(0.01),
//!     Counts::complete(&[0.0; 60], &[500.0; 60]),
//!     Counts::complete(&[0.0; 24], &[500.0; 24]),
//! );
//! let finding = judge(&Increments::new(Interval::from_seconds(5), vec![metric])).expect("valid input");
//! assert_eq!(finding.verdict, Verdict::Held);
//! println!("{}", finding.sentence);
//! ```

mod arithmetic;
mod counts;
mod culprits;
mod dispersion;
mod document;
mod end_test;
mod episode;
pub mod evidence;
mod finding;
mod interval;
mod judge;
pub mod latency;
mod outlook;
pub mod plan;
mod reason;
mod recovery;
pub mod special;
mod steady;
mod tolerance;

pub use counts::{Counts, Tally};
pub use culprits::culprits;
pub use dispersion::{Dispersion, Estimate, LONG_ENOUGH, Source, batch_means, batch_means_control, estimate};
pub use document::{Control, Increments, InputProblem, MAX_COUNT, MAX_INTERVALS, MAX_METRICS, Metric};
pub use end_test::EndTest;
pub use episode::{Episode, Moment, episode};
pub use finding::{ControlFinding, Finding, MetricFinding, Verdict};
pub use interval::{BadInterval, Interval};
pub use judge::{Entry, Judge, Step, judge};
pub use outlook::Outlook;
pub use reason::{Reason, Window};
pub use recovery::recovery;
pub use steady::{Unsteady, steady};
pub use tolerance::Tolerance;

/// Version of the analysis. A run's conclusion names it; a replay is bound to agree only within one version.
pub const VERSION: &str = "3";

/// Least share of the fault window's intervals that must have arrived before anything is called held.
pub const MIN_FAULT_COMPLETENESS: f64 = 0.90;

/// Least share of the baseline's intervals that must have arrived before it is believed.
pub const MIN_BASELINE_COMPLETENESS: f64 = 0.95;

/// Share of `alpha` spent on the stop that is looked at after every interval; the rest goes to the end test.
pub const STOP_SHARE: f64 = 0.8;

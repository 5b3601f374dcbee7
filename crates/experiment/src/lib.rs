//! The Experiment document: read, check, print. And the Binding document, which says what its names stand for.
//!
//! Everything wrong with a document is found at once and shown where it stands. Nothing here opens a file, a socket or
//! the environment, resolves a target or knows what an SLO means.
//!
//! | module | holds |
//! |---|---|
//! | [`document`] | the types: their fields are the document |
//! | [`method`] | what is done, step by step |
//! | [`steady`] | the hypothesis: SLOs and probes |
//! | [`guard`] | what ends a run early |
//! | [`tolerance`] | how much worse is still fine |
//! | [`mod@read`] | text to [`Checked`] |
//! | [`parameters`] | `${name}` and `${env.NAME}` |
//! | [`print`](mod@print) | back to text |
//! | [`schema`](mod@schema) | JSON Schema, for editors |
//! | [`binding`] | the Binding document |

pub mod binding;
mod check;
pub mod document;
mod envelope;
pub mod guard;
pub mod method;
mod name;
pub mod parameters;
pub mod print;
pub mod read;
pub mod schema;
mod split;
pub mod steady;
pub mod tolerance;

pub use document::{Confidence, Expectation, Experiment, LoadEntry, Metadata, Recovery, Spec, Windows};
pub use guard::{Guard, HttpGuard, MetricGuard};
pub use method::{Inject, MethodStep, ParallelStep, Repeat, Run};
pub use print::print;
pub use read::{Checked, ReadOptions, read};
pub use schema::schema;
pub use steady::{ProbeState, SloState, SteadyState};
pub use tolerance::{Share, ToleranceSpec};

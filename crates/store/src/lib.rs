//! Keeps what was learned: every run with its documents, events, samples and verdict.
//!
//! One trait per noun ([`Runs`]), one implementation per database ([`sqlite`]), one suite run against each. The only
//! crate that knows SQL. It keeps; it never computes what a run means.

pub mod error;
pub mod runs;
pub mod sqlite;

pub use error::StoreError;
pub use runs::{Fence, NewRun, Runs};
pub use sqlite::Sqlite;

//! The sample payments system that `steadfast demo` verifies: a QR-payment backend of six real processes.
//!
//! ```text
//!                                  ┌─► risk            a score for every payment
//!   client ─► gateway ─► payments ─┼─► wallet          money set aside before it moves
//!                                  ├─► ledger          double entry in SQLite: the truth
//!                                  └─► notifications   told afterwards
//! ```
//!
//! It has strengths and weaknesses a team would recognise ([switches]), all of them in what the services do. It
//! never loses or doubles a payment it acknowledged, whatever dies; [audit()] checks that against the files on disk.
//!
//! What it will never do: know that it is being verified. Nothing here reads a verdict, a fault or an experiment,
//! and it listens on loopback only, or in a network namespace that was made for it ([`Apart`]).
//!
//! Every process is one executable run again: the caller says which ([`DemoConfig::service_command`]), so this crate
//! works the same under the `steadfast` binary and under the small program of its own tests.

pub mod audit;
mod client;
mod config;
mod database;
mod documents;
mod error;
mod group;
mod metrics;
mod serve;
mod service;
mod services;
pub mod supervisor;
pub mod switches;
pub mod topology;
mod wire;

pub use audit::{AuditReport, audit};
pub use config::{Apart, DemoConfig, ServiceConfig};
pub use documents::{DOCUMENTS, DOCUMENTS_APART, write_documents};
pub use error::DemoError;
pub use service::run_service;
pub use supervisor::{Status, System, down, drain, status, supervise, up};
pub use switches::Switches;

//! Every way to observe a system, one folder each, and the world they look through.
//!
//! A probe asks for one answer at a time and counts; it keeps what it needs between two looks in its own state. It
//! never waits on its own, opens a socket or reads a clock.

pub mod load;
pub mod probe;
pub mod world;

pub use probe::{Probe, ProbeError};

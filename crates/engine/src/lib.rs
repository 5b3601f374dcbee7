//! Runs one experiment from start to verdict.
//!
//! The state machine in [`machine`] is pure: it never waits, reads a clock or touches a machine. The [`driver`] does
//! what it says and tells it what happened. Everything that touches the world stands behind [`host::Host`].

pub mod host;

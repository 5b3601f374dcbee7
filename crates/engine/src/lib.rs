//! Runs one experiment from start to verdict.
//!
//! The state machine in [`machine`] is pure: it never waits, reads a clock or touches a machine. The driver does
//! what it says and tells it what happened. Everything that touches the world stands behind [`host::Host`].

pub mod exit;
pub mod host;
pub mod machine;
pub mod reason;
pub mod replay;

pub use exit::exit_code;
pub use replay::{Replay, replay};

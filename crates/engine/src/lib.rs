//! Runs one experiment from start to verdict.
//!
//! The state machine in [`machine`] is pure: it never waits, reads a clock or touches a machine. The [`driver`] does
//! what it says and tells it what happened. Everything that touches the world stands behind [`host::Host`].

pub mod driver;
pub mod exit;
pub mod guard;
pub mod host;
pub mod machine;
pub mod plan;
pub mod reason;
pub mod replay;
pub mod stop;

pub use driver::{Journal, JournalError, RunEnd, Stage, run};
pub use exit::exit_code;
pub use plan::Plan;
pub use replay::{Follower, Replay, replay};
pub use stop::{StopSignal, StopSwitch, stop_switch};

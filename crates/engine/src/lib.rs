//! Runs one experiment from start to verdict.
//!
//! The state machine in [`machine`] is pure: it never waits, reads a clock or touches a machine. The [`driver`] does
//! what it says and tells it what happened. Everything that touches the world stands behind [`host::Host`].
//!
//! It never injects before the steady state was judged met, never ends while a fault may be in place that it has not
//! ordered away, and never says `held` without evidence, a verified effect and a fault that is seen to be gone.
//!
//! | module | holds |
//! |---|---|
//! | [`plan`] | what a run is to do, made from an experiment and its SLOs |
//! | [`machine`] | inputs in, state and actions out |
//! | [`mod@replay`] | the machine told again what was recorded |
//! | [`driver`] | the machine at work: tasks, leases, sampling, history and spool |
//! | [`guard`], [`stop`] | what ends a run early |
//! | [`reason`], [`exit`] | why it ended, in words and as an exit code |
//! | [`host`] | where faults and load happen |

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

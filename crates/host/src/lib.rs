//! Faults on this machine: finds targets, puts faults into them, takes them out again, whatever dies.
//!
//! It implements the worlds that `faults` and `probes` ask and the [`steadfast_engine::host::Host`] that the engine
//! knows. It never decides whether a fault did harm, and it never changes anything before the way back is on disk.
//!
//! # How a fault is guaranteed to go away
//!
//! 1. The [`reaper`] sits before the first change is made.
//! 2. Each verb (`live`) writes its undo record, durably, before it changes anything.
//! 3. Every injection has a deadline that never moves and a lease that must be renewed.
//! 4. Nobody but the injector reverts while the injector lives; one that overstays is ended first (`takeover`).
//! 5. If injector and reaper died together, the next command recovers ([`recover()`]).
//!
//! | module | holds |
//! |---|---|
//! | [`observe`] | fetching pages and sending load, for probes |
//! | [`local`] | the engine's host: resolve, preflight, inject, renew, revert, observe |
//! | `live`, [`world`] | what faults may do and look at |
//! | [`undo`], [`revert`] | one step back; all steps of an injection |
//! | `workshop`, [`worker`] | processes that hold faults, and what they do |
//! | `takeover`, [`reaper`], [`recover()`] | undoing what others began |
//! | `resolve`, `protect` | targets, and what may never be one |
//! | [`policy`] | the limits of the owner of this machine |
//! | [`status()`], `inventory` | what is live, and what would work |

pub mod control;
mod error;
mod inventory;
mod live;
pub mod local;
pub mod observe;
pub mod policy;
mod protect;
pub mod reaper;
pub mod recover;
mod resolve;
pub mod revert;
pub mod status;
mod takeover;
pub mod timing;
pub mod undo;
pub mod worker;
mod workshop;
pub mod world;

pub use local::{LocalHost, LocalHostOptions};
pub use policy::{Limits, Policies};
pub use reaper::{ReaperEnd, ReaperEvent, ReaperKeeper, ensure_reaper, run_reaper};
pub use recover::{Recovery, forget, recover};
pub use status::{Status, status};
pub use timing::Timing;
pub use undo::carry_out;
pub use worker::{run_file_worker, run_stress_worker, run_worker};
pub use world::LocalWorld;

//! The control socket: how a proxy is told what to do.
//!
//! One JSON value a line in, one out ([`steadfast_model::proxy`]). Lines longer than [`LONGEST_LINE`] and lines that
//! are not understood are answered with `refused`; the connection stays. Only the proxy's own user and root may talk.

mod client;
mod line;
mod serve;
pub(crate) mod socket;

pub use client::{Client, ControlError};
pub use line::LONGEST_LINE;
pub(crate) use serve::serve;

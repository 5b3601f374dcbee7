//! Every fault, one folder each, and the world they act on.
//!
//! A fault decides what to ask for; it never calls the kernel. Whatever it changes it changes through a verb of
//! [`world::Injection`], and every verb writes down the way back before it acts.

pub mod fault;
pub mod world;

pub use fault::{Fault, FaultError, Preview};

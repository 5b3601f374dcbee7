//! Every fault, one folder each, and the world they act on.
//!
//! A fault decides what to ask for; it never calls the kernel. Whatever it changes it changes through a verb of
//! [`world::Injection`], and every verb writes down the way back before it acts.

//!
//! | module | holds |
//! |---|---|
//! | [`fault`] | the trait, and why a fault may fail |
//! | [`faults`] | the folders, the enum [`FaultSpec`] and the list [`FAULTS`], written at build time |
//! | [`world`] | what a fault may look at and ask for |
//! | [`world::fake`] | a world in memory, for tests |

mod amounts;
mod effects;
pub mod fault;
pub mod faults;
mod on_disk;
mod on_files;
mod on_host;
mod on_names;
mod on_network;
mod on_process;
mod on_proxy;
mod settings;
pub mod world;

pub use fault::{Fault, FaultError, Preview};
pub use faults::{FAULTS, FaultKind, FaultSpec};

//! Every way to observe a system, one folder each, and the world they look through.
//!
//! A probe asks for one answer at a time and counts; it keeps what it needs between two looks in its own state. It
//! never waits on its own, opens a socket, reads the environment or looks at a clock.
//!
//! | module | holds |
//! |---|---|
//! | [`probe`] | the trait, what a look counts, and why it may fail |
//! | [`probes`] | the folders, the enum [`ProbeSpec`] and the list [`PROBES`], written at build time |
//! | [`load`] | the built-in load as a document describes it |
//! | [`address`] | `service` or `url`, and the path behind it |
//! | [`program`] | a program as a document names it |
//! | [`status`] | which answers are accepted: `2xx`, `404` |
//! | [`selector`] | which series are meant: `http_requests_total{code=~"5.."}` |
//! | [`exposition`] | the text a `/metrics` page is written in |
//! | [`counter`] | what counters counted between two readings |
//! | [`world`] | what a probe may ask for |
//! | [`world::fake`] | a world in memory, for tests |

pub mod address;
pub mod counter;
pub mod exposition;
mod headers;
pub mod load;
pub mod probe;
pub mod probes;
pub mod program;
pub mod selector;
pub mod status;
pub mod world;

pub use probe::{Counted, Probe, ProbeError, Watch};
pub use probes::{PROBES, ProbeKind, ProbeSpec};
pub use selector::Selector;
pub use status::StatusSet;

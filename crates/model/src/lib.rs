//! The nouns every other crate shares.
//!
//! Plain data and two small traits. Nothing here reads a clock, a file or a socket, waits, or decides.

pub mod binding;
pub mod bytes;
pub mod cgroup;
pub mod clock;
pub mod digest;
pub mod duration;
pub mod effect;
pub mod event;
pub mod files;
pub mod glob;
pub mod id;
pub mod network;
pub mod problem;
pub mod process;
pub mod proxy;
pub mod quantity;
pub mod run;
pub mod sample;
pub mod secret;
pub mod skew;
pub mod stress;
pub mod target;
pub mod text;
pub mod undo;
pub mod verdict;
pub mod yaml;

pub use binding::Binding;
pub use bytes::{ByteRate, ByteSize};
pub use clock::{BootTime, Clock, WallTime};
pub use duration::Duration;
pub use effect::{Effect, Observation};
pub use event::{Event, EventBody, Phase};
pub use id::{InjectionId, RunId};
pub use problem::{Problem, Problems};
pub use process::ProcessIdentity;
pub use quantity::{Percent, Rate};
pub use target::{ResolvedTarget, Target};
pub use verdict::{Outcome, Verdict};

/// The group and version every Steadfast document carries in `apiVersion`.
pub const API_VERSION: &str = "steadfast.dev/v1alpha1";

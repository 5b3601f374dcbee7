//! What tests need and products must not have: throw-away directories on a real disk, processes and network
//! namespaces to act on.
//!
//! Only ever a dev-dependency.

pub mod netns;
pub mod place;
pub mod sleeper;

pub use netns::NetnsPair;
pub use place::durable_dir;
pub use sleeper::Sleeper;

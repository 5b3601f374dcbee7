//! What tests need and products must not have: throw-away directories on a real disk, processes, users of files, cgroups, network
//! namespaces and small disks to act on, a real Prometheus.
//!
//! Only ever a dev-dependency.

pub mod cgroup;
pub mod disk;
pub mod file_user;
pub mod netns;
pub mod place;
pub mod podman;
pub mod prometheus;
pub mod skip;
pub mod sleeper;
pub mod talker;

pub use cgroup::BusyCgroup;
pub use disk::Disk;
pub use file_user::FileUser;
pub use netns::NetnsPair;
pub use place::{copy_program, durable_dir};
pub use podman::Podman;
pub use prometheus::Prometheus;
pub use skip::skip;
pub use sleeper::Sleeper;
pub use talker::{Talker, clocks_program, compile_c, number_in};

/// Waits a moment, 5 ms, and is false: for what nobody tells of, as in `(0..1_000).any(|_| is_so() || pause())`.
fn pause() -> bool {
    #[expect(clippy::disallowed_methods, reason = "nobody tells")]
    std::thread::sleep(std::time::Duration::from_millis(5));
    false
}

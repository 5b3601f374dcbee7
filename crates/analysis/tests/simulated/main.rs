//! Simulated systems: how often verdicts are wrong, and how often they find what is there. Seeded, so that every run of
//! the tests sees the same systems.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod absolute_tolerances;
mod cells;
mod control_groups;
mod episodes;
mod known_histories;
mod planner;
mod random;
mod several_windows;
mod short_baselines;
mod stored_histories;
mod targets;

//! Real injectors, reapers, proxies and targets, and whatever may happen to them.

#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod disks;
mod files;
mod ledgers;
mod names;
mod netem;
mod networks;
mod orders;
mod policies;
mod proxies;
mod roles;
mod selection;
mod skews;
mod stage;
mod stress;
mod targets;
mod throttles;
mod undo_matters;
mod whoever_dies;

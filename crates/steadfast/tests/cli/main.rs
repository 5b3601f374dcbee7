//! The real program on a machine of its own making: what is typed, what comes out, what is left behind.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "tests start processes, wait for them and watch the clock")]

mod annotations;
mod boot;
mod commands;
mod containers;
mod disks;
mod documents;
mod faults;
mod help;
mod loads;
mod memory;
mod method;
mod networks;
mod plans;
mod policies;
mod ports;
mod probes;
mod runs;
mod stopping;
mod storage;
mod stress;
mod support;
mod targets;
mod verdicts;

//! Toxiproxy's API on the real program: every endpoint as clients see it, every toxic as connections feel it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "tests start processes, wait for them and watch the clock")]

mod chance;
mod clients;
mod command;
mod effects;
mod garbage;
mod metrics;
mod network;
mod proxies;
mod rust;
mod support;
mod toxics;

//! The whole system as real processes on free ports, under the small program of this crate.
#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

#[path = "system/site.rs"]
mod site;

#[path = "system/background.rs"]
mod background;
#[path = "system/crashes.rs"]
mod crashes;
#[path = "system/money.rs"]
mod money;
#[path = "system/slowness.rs"]
mod slowness;

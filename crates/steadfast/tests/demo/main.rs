//! The demo and the examples, as somebody without privileges and with an empty home runs them: what the services do
//! decides, nothing else.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod examples;
mod networks;
mod place;
mod prometheus;
mod verdicts;

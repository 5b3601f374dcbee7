//! Proxies with real sockets on both sides.
#![expect(clippy::unwrap_used, reason = "a failure is what a test is for")]

mod support;

mod control;
mod garbage;
mod http;
mod http_faults;
mod lasting;
mod tcp;
mod tcp_faults;

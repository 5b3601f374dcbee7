//! Proxies with real sockets on both sides.
#![expect(clippy::unwrap_used, reason = "a failure is what a test is for")]

mod carrying;
mod changes;
mod control;
mod endings;
mod garbage;
mod http;
mod http2;
mod http2_ends;
mod http_faults;
mod kept;
mod lasting;
mod pacing;
mod support;
mod tcp;
mod tcp_faults;
mod tls;
mod websocket;

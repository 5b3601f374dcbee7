//! Proxies with real sockets on both sides.

mod support;

mod control;
mod garbage;
mod http;
mod http_faults;
mod lasting;
mod tcp;
mod tcp_faults;

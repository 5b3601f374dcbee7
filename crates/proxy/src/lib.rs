//! The fault proxy: stands between two services, carries their bytes unchanged, and disturbs them while told to.
//!
//! One proxy is one listener, one upstream and one control socket. It never decides anything: rules come over the
//! control socket ([`control`]), and each carries a deadline and a lease that are enforced in here, so that nobody has
//! to be alive for a fault to end. A removed rule never comes back. The process that runs a proxy may keep rules of its own
//! ([`Handle`]): these end with it.
//!
//! It will never listen beyond loopback unless asked for by name, never change what it carries when no rule applies
//! (what HTTP framing allows, see [`ProxyConfig`]), and never share one stream of chance between connections.
//!
//! How it is put together: an accepted client socket becomes a `wire`, which holds, cuts, swallows and counts bytes below
//! everything else. A wire is copied to the upstream socket by `relay` (TCP) or spoken to by `http`, in
//! the version its first bytes tell; all streams of an HTTP/2 connection live in its one task. Where the
//! proxy was given certificates, `tls` stands around both sockets; where not, TLS is relayed. `hub` is what all
//! connections share; a connection looks at one atomic number to learn that the rules changed.

mod begun;
mod check;
mod config;
mod connection;
pub mod control;
mod draw;
mod enforce;
mod error;
mod handle;
mod held;
mod http;
mod hub;
mod listen;
mod matching;
mod pipe;
mod proxy;
mod relay;
mod rule;
mod rules;
mod scratch;
mod timer;
mod tls;
mod traffic;
mod upstream;
mod watch;
mod wire;

pub use check::check_rule;
pub use config::{Limits, ProxyConfig};
pub use error::ProxyError;
pub use handle::{Handle, KeptRule};
pub use proxy::{Proxy, check_upstream, run};
pub use tls::{Identity, Tls, Trust};
pub use traffic::{Flow, Traffic};

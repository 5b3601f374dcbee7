//! Toxiproxy's HTTP API over our fault proxy, so that its clients work unchanged.
//!
//! One process owns many proxies ([`steadfast_proxy::Proxy`]): each has a listener, an upstream and a list of toxics, and a
//! toxic is one rule of its proxy. Toxics have no deadline, because the API knows none; they live in this process and end
//! with it, however it ends.
//!
//! It never keeps anything on disk, never listens beyond loopback unless asked for by name, and never accepts a toxic it
//! cannot carry out. Where it differs from Toxiproxy on purpose, `docs/toxiproxy.md` says so.
//!
//! How it is put together: `routes` are the endpoints, `fields` reads what was sent, `refusal` says no. `collection` holds the
//! proxies, each a `member`, which runs as an `instance` while it is enabled. `toxic` knows the toxics.

mod collection;
mod fields;
mod instance;
mod listen;
mod member;
mod metrics;
mod refusal;
mod routes;
mod server;
mod toxic;

pub use collection::MOST_PROXIES;
pub use routes::LARGEST_BODY;
pub use server::{ConfigError, Options, Server, ServerError, Started};

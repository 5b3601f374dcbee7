//! Disturbing what a network namespace sends and receives.
//!
//! Nearly everything is held by descriptors: tables of nf_tables that vanish with their socket, a packet queue, TAP devices. So
//! the end of the process that holds them, however it comes, is the way back, and a worker process holds nothing else.
//!
//! What comes in is dropped at the devices, or held in a queue (NFQUEUE) after it arrived. What goes out is never held
//! in the sender's own output hook: there it would stay on the sender's account and choke its TCP. It is led through a
//! TAP device instead (`fwd`), held in this process, and sent on from there; or, where the kernel has it and nothing
//! narrows, it is held by `netem`, which no descriptor holds and whoever undoes deletes by its handle.
//!
//! Questions to DNS servers are redirected to sockets of ours, and answered or sent on by whoever holds those.
//!
//! Namespaces of our own, for the demo, belong to the processes in them and have no names: they too go with the last one.

mod apart;
mod cable;
mod device;
mod divert;
mod hold;
mod line;
mod mirror;
mod namespace;
mod netlink;
mod nft;
mod origin;
mod pace;
mod plan;
mod probe;
mod qdisc;
mod queue;
mod spoil;
mod tap;

pub use apart::{move_apart, moves_into_user_namespace};
pub use cable::{CableEnd, lay_cable};
pub use divert::{Arrivals, Diverted, pass_diversion};
pub use hold::{Held, Pulse, status};
pub use namespace::{Namespace, own_namespace};
pub use origin::Origins;
pub use probe::{probe, probe_netem};
pub use qdisc::{has_qdiscs, qdisc_status, remove_qdiscs};

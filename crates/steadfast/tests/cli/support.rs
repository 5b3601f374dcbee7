//! A place with a state directory, the program in it, and a service to disturb.

mod experiment;
mod nobody;
mod place;
mod running;
mod service;

pub(crate) use experiment::Experiment;
pub(crate) use nobody::Nobody;
pub(crate) use place::{Place, Proxy};
pub(crate) use running::{Output, Running, Sleeper, wait_until};
pub(crate) use service::{Service, get, quickest, whole};

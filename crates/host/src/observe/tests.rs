//! The observer against real servers on this machine.

mod fetch;
mod load;
mod server;

use std::{collections::BTreeMap, sync::Arc};

use steadfast_linux::SystemClock;

use super::{Observer, ServiceAddress};

/// An observer of one service called `shop`.
fn observer(base: &str) -> Observer {
    let address = ServiceAddress { base: Some(base.to_owned()), metrics: None };
    let clock = Arc::new(SystemClock::new().unwrap());
    Observer::new(BTreeMap::from([("shop".to_owned(), address)]), clock, 42)
}

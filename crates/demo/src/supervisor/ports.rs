//! Finding ports that stay free.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;

use crate::error::DemoError;

const LOWEST: u16 = 20_000;
const TRIES: usize = 1000;

/// Gives out ports of 127.0.0.1 nobody listens on, each once.
///
/// They lie below the range the kernel takes outgoing ports from: between the death of a service and its restart, an
/// outgoing connection could otherwise get its port, and a caller of a dead service could even reach itself.
pub(super) struct Ports {
    range: Range<u16>,
    given: BTreeSet<u16>,
}

impl Ports {
    pub(super) fn new() -> Self {
        let lowest_outgoing = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range")
            .ok()
            .and_then(|text| text.split_whitespace().next()?.parse().ok())
            .unwrap_or(32_768_u16);
        // A machine that uses nearly all ports for outgoing connections leaves no better choice.
        let highest = if lowest_outgoing < LOWEST + 1000 { 60_000 } else { lowest_outgoing };
        Self { range: LOWEST..highest, given: BTreeSet::new() }
    }

    /// The port of the last start if it is free, else any.
    pub(super) fn find(&mut self, before: Option<u16>) -> Result<u16, DemoError> {
        let random = std::iter::repeat_with(|| rand::random_range(self.range.clone())).take(TRIES);
        let found = before.into_iter().chain(random).find(|p| !self.given.contains(p) && is_free(*p));
        let port = found.ok_or_else(|| DemoError::Setting {
            doing: "find a free port".into(),
            reason: format!("{TRIES} ports of 127.0.0.1 were all taken"),
        })?;
        self.given.insert(port);
        Ok(port)
    }

    /// This port and no other.
    pub(super) fn take(&mut self, port: u16) -> Result<u16, DemoError> {
        match self.given.insert(port) && is_free(port) {
            true => Ok(port),
            false => Err(DemoError::PortTaken { port }),
        }
    }
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_refused_or_replaced() {
        let mut ports = Ports::new();
        let free = ports.find(None).unwrap();
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, free)).unwrap();
        let mut again = Ports::new();
        assert!(matches!(again.take(free), Err(DemoError::PortTaken { port }) if port == free));
        assert_ne!(again.find(Some(free)).unwrap(), free);
        drop(taken);
        assert_eq!(Ports::new().find(Some(free)).unwrap(), free);
    }
}

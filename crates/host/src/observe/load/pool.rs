//! Connections kept alive. Each carries one request at a time, so that no request waits behind another; as many are
//! opened as requests are unanswered at once.

use std::{collections::VecDeque, sync::Mutex, time::Duration};

use steadfast_model::BootTime;

use super::wire::Wire;
use crate::observe::lock;

/// A connection idle for longer is not used again: the other side may be about to close it.
const LONGEST_IDLE: Duration = Duration::from_secs(4);

/// Idle connections, the latest used last.
#[derive(Default)]
pub(super) struct Pool(Mutex<VecDeque<(Wire, BootTime)>>);

impl Pool {
    /// The latest used connection that is still open.
    pub(super) fn take(&self, now: BootTime) -> Option<Wire> {
        let mut idle = lock(&self.0);
        while let Some((mut connection, since)) = idle.pop_back() {
            if now.since(since) > LONGEST_IDLE {
                // All others are idle for even longer.
                idle.clear();
            } else if connection.is_quiet() {
                return Some(connection);
            }
        }
        None
    }

    /// Keeps a connection that has done its work.
    pub(super) fn put(&self, connection: Wire, now: BootTime) {
        let mut idle = lock(&self.0);
        while idle.front().is_some_and(|(_, since)| now.since(*since) > LONGEST_IDLE) {
            idle.pop_front();
        }
        idle.push_back((connection, now));
    }

    /// Closes all idle connections.
    pub(super) fn clear(&self) {
        lock(&self.0).clear();
    }
}

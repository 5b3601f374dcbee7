//! The rules in place, as the requests of one connection see them.

use std::sync::{Arc, Mutex, PoisonError};

use crate::{connection::Connection, rule::Rule};

/// Looks at the rules of all connections only when they have changed.
pub(super) struct Current {
    pub(super) connection: Arc<Connection>,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    generation: u64,
    rules: Option<Arc<[Arc<Rule>]>>,
}

impl Current {
    pub(super) fn new(connection: Arc<Connection>) -> Self {
        Self { connection, seen: Mutex::default() }
    }

    /// The rules in place, `None` when there are none: the usual case, kept cheap.
    pub(super) fn rules(&self) -> Option<Arc<[Arc<Rule>]>> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let generation = self.connection.hub.generation();
        if seen.generation != generation {
            let rules = self.connection.hub.rules();
            seen.rules = (!rules.is_empty()).then_some(rules);
            seen.generation = generation;
        }
        seen.rules.clone()
    }
}

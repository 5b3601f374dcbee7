//! Looks at the rules that end connections: `tcpDown` and `tcpReset`.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use steadfast_model::proxy::ProxyFault;

use crate::{
    connection::Connection,
    rule::Rule,
    timer::{Alarm, later},
};

/// Decides when a connection is cut.
pub(crate) struct Watch {
    connection: Arc<Connection>,
    generation: u64,
    /// Serials of the rules that have counted this connection.
    counted: Vec<u64>,
    /// The first reset to come, if any.
    reset: Option<(u64, Arc<Rule>)>,
    alarm: Alarm,
}

impl Watch {
    pub(crate) fn new(connection: Arc<Connection>) -> Self {
        let alarm = connection.alarm();
        Self { connection, generation: 0, counted: Vec::new(), reset: None, alarm }
    }

    /// Whether the connection must end now. If not, the task is woken when it must.
    pub(crate) fn cuts(&mut self, cx: &mut Context<'_>) -> bool {
        let generation = self.connection.hub.generation();
        if generation != self.generation {
            self.generation = generation;
            if self.look() {
                return true;
            }
        }
        let Some((time, rule)) = &self.reset else { return false };
        let due = self.alarm.poll_at(cx, *time) == Poll::Ready(());
        if due {
            rule.hit();
        }
        due
    }

    /// Whether a rule cuts at once.
    fn look(&mut self) -> bool {
        let rules = self.connection.hub.rules();
        self.counted.retain(|serial| rules.iter().any(|rule| rule.serial == *serial));
        self.reset = None;
        for rule in rules.iter() {
            let after = match &rule.told.fault {
                ProxyFault::TcpDown {} => None,
                ProxyFault::TcpReset { after } => Some(after.std()),
                _ => continue,
            };
            if !self.counted.contains(&rule.serial) {
                self.counted.push(rule.serial);
                rule.saw();
            }
            if !rule.chooses(self.connection.number, 0) {
                continue;
            }
            let Some(after) = after else {
                rule.hit();
                return true;
            };
            let time = later(self.connection.opened, after);
            if self.reset.as_ref().is_none_or(|(first, _)| time < *first) {
                self.reset = Some((time, Arc::clone(rule)));
            }
        }
        if self.reset.is_none() {
            self.alarm.clear();
        }
        false
    }
}

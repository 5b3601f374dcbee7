//! Looks at the rules that end connections.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use steadfast_model::{Duration, proxy::ProxyFault};

use crate::{
    connection::Connection,
    rule::Rule,
    timer::{self, Alarm, later},
};

/// How a connection ends before its peers end it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// With a reset.
    Reset,
    /// In good order.
    Close,
}

/// That a rule has counted a connection.
struct Counted {
    serial: u64,
    version: u64,
    /// When that version of the rule first saw the connection.
    since: u64,
}

/// Decides when a connection is ended.
pub(crate) struct Watch {
    connection: Arc<Connection>,
    /// At which generation of the rules it looked last, and how many had swallowed bytes by then.
    looked: (u64, u64),
    /// The rules that have counted this connection.
    counted: Vec<Counted>,
    /// The first end to come, if any.
    next: Option<(u64, Arc<Rule>, End)>,
    alarm: Alarm,
}

impl Watch {
    pub(crate) fn new(connection: Arc<Connection>) -> Self {
        let alarm = connection.alarm();
        Self { connection, looked: (0, 0), counted: Vec::new(), next: None, alarm }
    }

    /// How the connection must end now. If it need not, the task is woken when it must.
    pub(crate) fn ends(&mut self, cx: &mut Context<'_>) -> Option<End> {
        let now = (self.connection.hub.generation(), self.connection.silences());
        if now != self.looked {
            self.looked = now;
            if self.look() {
                return Some(End::Close);
            }
        }
        let (time, rule, end) = self.next.as_ref()?;
        if self.alarm.poll_at(cx, *time) == Poll::Pending {
            return None;
        }
        // One that was silent before has been counted for that.
        if self.connection.silence(rule.serial) {
            rule.hit();
        }
        Some(*end)
    }

    /// Looks at the rules of now. Whether the connection lacks bytes that a rule swallowed which has gone: without the
    /// rule it would go on with a hole.
    fn look(&mut self) -> bool {
        let rules = self.connection.hub.rules();
        self.counted.retain(|counted| rules.iter().any(|rule| rule.serial == counted.serial));
        self.next = None;
        for rule in rules.iter() {
            let counts = matches!(
                rule.told.fault,
                ProxyFault::TcpDown {}
                    | ProxyFault::TcpReset { .. }
                    | ProxyFault::TcpTimeout { .. }
                    | ProxyFault::TcpCut { .. }
                    | ProxyFault::TcpLimitData { .. }
            );
            if !counts {
                continue;
            }
            let since = self.count(rule);
            if !rule.chooses(self.connection.number, 0) {
                continue;
            }
            let (time, end) = match &rule.told.fault {
                ProxyFault::TcpDown {} => (0, End::Reset),
                ProxyFault::TcpReset { after } => (later(self.connection.opened, after.std()), End::Reset),
                ProxyFault::TcpTimeout { after, .. } if *after != Duration::ZERO => {
                    (later(since, after.std()), End::Close)
                }
                ProxyFault::TcpCut { after, .. } => match self.connection.silent_since(rule.serial) {
                    Some(silent) => (later(silent, after.std()), End::Reset),
                    None => continue,
                },
                _ => continue,
            };
            if self.next.as_ref().is_none_or(|(first, ..)| time < *first) {
                self.next = Some((time, Arc::clone(rule), end));
            }
        }
        if self.next.is_none() {
            self.alarm.clear();
        }
        self.connection.has_a_hole(&rules)
    }

    /// Counts the connection for a rule, once. Returns since when the rule is as it is now.
    fn count(&mut self, rule: &Rule) -> u64 {
        let Some(counted) = self.counted.iter_mut().find(|counted| counted.serial == rule.serial) else {
            rule.saw();
            let since = timer::now();
            self.counted.push(Counted { serial: rule.serial, version: rule.version, since });
            return since;
        };
        if counted.version != rule.version {
            counted.version = rule.version;
            counted.since = timer::now();
        }
        counted.since
    }
}

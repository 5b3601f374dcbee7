//! One direction of a client's connection.

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use steadfast_model::proxy::Stream;

use crate::{
    connection::Connection,
    held::Held,
    rule::Rule,
    timer::{self, Alarm, later},
};

/// What is on hold in one direction, and by which rules.
pub(crate) struct Half {
    stream: Stream,
    connection: u64,
    pub(super) held: Held,
    /// The rules that delay this direction, each with whether it chose this connection.
    rules: Vec<(Arc<Rule>, bool)>,
    delayed: bool,
    /// Counts chunks: what jitter is keyed by.
    number: u64,
    alarm: Alarm,
}

impl Half {
    pub(super) fn new(stream: Stream, connection: &Connection) -> Self {
        // Apart, so that the jitter of one direction says nothing about the other's.
        let number = if stream == Stream::Upstream { 0 } else { 1 << 63 };
        Self {
            stream,
            connection: connection.number,
            held: Held::default(),
            rules: Vec::new(),
            delayed: false,
            number,
            alarm: connection.alarm(),
        }
    }

    /// Looks at the rules of now. What is on hold leaves earlier if they ask for less; never later.
    pub(super) fn look(&mut self, rules: &[Arc<Rule>]) {
        let before = std::mem::take(&mut self.rules);
        self.rules.extend(rules.iter().filter(|rule| rule.delays(self.stream)).map(|rule| {
            let known = before.iter().find(|(old, _)| old.serial == rule.serial);
            let chosen = known.map_or_else(|| rule.chooses(self.connection, 0), |(_, chosen)| *chosen);
            (Arc::clone(rule), chosen)
        }));
        self.delayed = self.rules.iter().any(|(_, chosen)| *chosen);
        if !self.held.is_empty() {
            let (rules, connection) = (&self.rules, self.connection);
            self.held.hasten(|arrived, number| later(arrived, delay(rules, connection, number, false)));
        }
    }

    /// Nothing is on hold and nothing will be: bytes may pass directly.
    pub(super) fn is_clear(&self) -> bool {
        !self.delayed && self.held.is_empty()
    }

    /// Counts a chunk that passed directly.
    pub(super) fn passed(&self) {
        for (rule, _) in &self.rules {
            rule.saw();
        }
    }

    /// Puts a chunk on hold; an empty one is the end of the stream.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return self.take_end();
        }
        self.passed();
        self.number += 1;
        let arrived = timer::now();
        let due = later(arrived, delay(&self.rules, self.connection, self.number, true));
        self.held.push(bytes, arrived, due, self.number);
    }

    /// Puts the end of the stream on hold, once.
    pub(super) fn take_end(&mut self) {
        if !self.held.has_end() {
            self.number += 1;
            let arrived = timer::now();
            let due = later(arrived, delay(&self.rules, self.connection, self.number, false));
            self.held.push_end(arrived, due, self.number);
        }
    }

    /// Waits until something on hold is due.
    pub(super) fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.held.due() {
            Some(due) => self.alarm.poll_at(cx, due),
            None => Poll::Ready(()),
        }
    }
}

/// All delays that chose this connection, added up.
fn delay(rules: &[(Arc<Rule>, bool)], connection: u64, number: u64, count: bool) -> Duration {
    let mut sum = Duration::ZERO;
    for (rule, _) in rules.iter().filter(|(_, chosen)| *chosen) {
        if count {
            rule.hit();
        }
        sum += rule.delay(connection, number);
    }
    sum
}

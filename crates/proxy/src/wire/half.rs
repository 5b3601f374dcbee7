//! One direction of a client's connection.

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use steadfast_model::proxy::{ProxyFault, Stream};

use super::duty::{Duty, Step};
use crate::{
    connection::Connection,
    held::Held,
    rule::Rule,
    timer::{self, Alarm, later},
};

/// A chunk that a rate holds for less has not been disturbed.
const NOTICED: Duration = Duration::from_millis(1);

/// What is on hold in one direction, and by which rules.
pub(crate) struct Half {
    stream: Stream,
    connection: Arc<Connection>,
    pub(super) held: Held,
    /// The rules about this direction.
    duties: Vec<Duty>,
    /// Whether one of them chose this connection.
    engaged: bool,
    /// Counts chunks: what jitter is keyed by.
    number: u64,
    alarm: Alarm,
    /// How long rates have made bytes wait in all, in nanoseconds, and since when they do now.
    paced: u64,
    pacing: Option<u64>,
    stop: Option<Stop>,
    /// The end passed directly.
    ended: bool,
}

/// Why no byte leaves any more.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stop {
    /// As many as may have left.
    Limit,
    /// Bytes are missing, and the connection is about to close.
    Hole,
}

/// What a half can do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// So many bytes from the front may leave.
    Bytes(usize),
    /// The stream has ended.
    End,
    /// Nothing before this instant.
    Wait(u64),
    /// There is nothing.
    Nothing,
}

impl Half {
    pub(super) fn new(stream: Stream, connection: &Arc<Connection>) -> Self {
        Self {
            stream,
            connection: Arc::clone(connection),
            held: Held::of(&connection.hub.budget),
            duties: Vec::new(),
            engaged: false,
            number: first_of(stream),
            alarm: connection.alarm(),
            paced: 0,
            pacing: None,
            stop: None,
            ended: false,
        }
    }

    /// Looks at the rules of now. What is on hold leaves earlier if they ask for less; never later. Where a rule has gone
    /// that swallowed bytes, nothing leaves any more.
    pub(super) fn look(&mut self, rules: &[Arc<Rule>]) {
        let mut before = std::mem::take(&mut self.duties);
        for rule in rules.iter().filter(|rule| rule.is_about(self.stream)) {
            let known = before.iter().position(|duty| duty.rule.serial == rule.serial);
            let number = self.connection.number;
            let mut duty = known.map_or_else(|| Duty::new(rule, number), |at| before.swap_remove(at));
            duty.follow(rule, number);
            self.duties.push(duty);
        }
        // Rates last: how long bytes take depends on how many the others leave.
        self.duties.sort_by_key(Duty::paces);
        self.engaged = self.duties.iter().any(|duty| duty.chosen);
        if self.connection.has_a_hole(rules) {
            self.stop = Some(Stop::Hole);
            self.connection.close();
        }
        if !self.held.is_empty() {
            let (duties, connection) = (&self.duties, self.connection.number);
            self.held.hasten(|arrived, number, end| later(arrived, delay(duties, connection, number, end)));
        }
    }

    /// Nothing is on hold and nothing will be: bytes may pass directly.
    pub(super) fn is_clear(&self) -> bool {
        !self.engaged && self.held.is_empty() && self.stop.is_none()
    }

    /// Counts a chunk that passed directly; an empty one is the end of the stream.
    pub(super) fn passed(&mut self, bytes: usize) {
        if bytes == 0 && std::mem::replace(&mut self.ended, true) {
            return;
        }
        for duty in self.duties.iter().filter(|duty| duty.rule.counts_chunks(bytes == 0)) {
            duty.rule.saw();
        }
    }

    /// Puts a chunk on hold; an empty one is the end of the stream.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return self.take_end();
        }
        self.passed(bytes.len());
        self.number += 1;
        for duty in self.duties.iter().filter(|duty| duty.chosen && duty.rule.delays()) {
            duty.rule.hit();
        }
        let arrived = timer::now();
        let due = later(arrived, delay(&self.duties, self.connection.number, self.number, false));
        self.held.push(bytes, arrived, due, self.number, self.paced);
    }

    /// Puts the end of the stream on hold, once.
    pub(super) fn take_end(&mut self) {
        if self.held.has_end() {
            return;
        }
        self.passed(0);
        self.number += 1;
        for duty in self.duties.iter().filter(|duty| duty.chosen && duty.rule.counts_chunks(true)) {
            duty.rule.hit();
        }
        let arrived = timer::now();
        let due = later(arrived, delay(&self.duties, self.connection.number, self.number, true));
        self.held.push_end(arrived, due, self.number);
    }

    /// What can be done now. Bytes that a rule swallows are gone when this returns.
    pub(super) fn next(&mut self) -> Next {
        let now = timer::now();
        let next = self.next_at(now);
        if !matches!(next, Next::Wait(_))
            && let Some(since) = self.pacing.take()
        {
            self.paced += now.saturating_sub(since);
        }
        next
    }

    fn next_at(&mut self, now: u64) -> Next {
        match self.stop {
            Some(Stop::Limit) => return Next::End,
            Some(Stop::Hole) => return Next::Nothing,
            None => {}
        }
        loop {
            let Some(since) = self.held.due() else { return Next::Nothing };
            if self.held.ended(now) {
                return if self.silence() { Next::Nothing } else { Next::End };
            }
            let (ready, front) = (self.held.ready(now).len(), self.held.front());
            if ready == 0 {
                return Next::Wait(since);
            }
            let (mut count, first) = (ready, first_of(self.stream));
            for duty in self.duties.iter_mut().filter(|duty| duty.chosen) {
                let connection = self.connection.number;
                let piece = |rule: &Rule, number| rule.piece(connection, first + number);
                match duty.step(now, since, front, count, piece) {
                    Step::Pass(allowed) => count = allowed,
                    Step::Wait(due) => {
                        if duty.paces() {
                            self.pacing.get_or_insert(now);
                        }
                        return Next::Wait(due);
                    }
                    Step::Stop => {
                        duty.rule.hit();
                        self.stop = Some(Stop::Limit);
                        self.connection.close();
                        return Next::Nothing;
                    }
                }
            }
            if !self.silence() {
                return Next::Bytes(count);
            }
            self.held.consume(ready, |_| ());
        }
    }

    /// Whether rules swallow what could leave now. Notes that they do.
    fn silence(&self) -> bool {
        let mut silences = false;
        for duty in self.duties.iter().filter(|duty| duty.chosen && duty.silences()) {
            silences = true;
            if self.connection.silence(duty.rule.serial) {
                duty.rule.hit();
            }
        }
        silences
    }

    /// Whether a rule swallows all of it, the end as well.
    pub(super) fn is_silent(&self) -> bool {
        self.duties.iter().any(|duty| duty.chosen && duty.silences())
    }

    /// Whether a rule swallows all of it until it resets the connection.
    pub(super) fn cuts(&self) -> bool {
        self.duties
            .iter()
            .any(|duty| duty.chosen && matches!(duty.rule.told.fault, ProxyFault::TcpCut { .. }))
    }

    /// Whether the end of the stream has come, passed on or not.
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Lets go of so many bytes, which have left. Whether they were the last that may.
    pub(super) fn left(&mut self, count: usize) -> bool {
        let (now, front) = (timer::now(), self.held.front());
        for duty in self.duties.iter_mut().filter(|duty| duty.chosen) {
            if duty.left(now, count, front) {
                self.stop = Some(Stop::Limit);
            }
        }
        let (paced, duties) = (self.paced, &self.duties);
        self.held.consume(count, |mark| {
            if Duration::from_nanos(paced - mark) >= NOTICED {
                duties.iter().filter(|duty| duty.chosen && duty.paces()).for_each(|duty| duty.rule.hit());
            }
        });
        self.stop == Some(Stop::Limit)
    }

    /// Waits until then.
    pub(super) fn poll_at(&mut self, cx: &mut Context<'_>, time: u64) -> Poll<()> {
        self.alarm.poll_at(cx, time)
    }
}

/// Numbers of the two directions lie apart, so that the chance of one says nothing about the other's.
fn first_of(stream: Stream) -> u64 {
    if stream == Stream::Upstream { 0 } else { 1 << 63 }
}

/// All delays that chose this connection, added up.
fn delay(duties: &[Duty], connection: u64, number: u64, end: bool) -> Duration {
    let mut sum = Duration::ZERO;
    for duty in duties.iter().filter(|duty| duty.chosen) {
        sum += match &duty.rule.told.fault {
            ProxyFault::TcpDelay { .. } => duty.rule.delay(connection, number),
            ProxyFault::TcpSlowClose { delay, .. } if end => delay.std(),
            _ => Duration::ZERO,
        };
    }
    sum
}

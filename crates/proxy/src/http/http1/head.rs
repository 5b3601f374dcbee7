//! Ends clients that send a request's head too slowly. Time between requests does not count.

use std::task::Context;

use super::lane::Lane;
use crate::{
    connection::Connection,
    timer::{self, Alarm, later},
};

/// Measures how long a head takes.
pub(super) struct HeadTimeout {
    limit: std::time::Duration,
    since: Option<u64>,
    alarm: Alarm,
}

impl HeadTimeout {
    pub(super) fn new(connection: &Connection) -> Self {
        Self { limit: connection.hub.config.limits.head, since: None, alarm: connection.alarm() }
    }

    /// Whether the head that is arriving has taken too long. If not, the task is woken when it has.
    pub(super) fn is_over(&mut self, cx: &mut Context<'_>, lane: &Lane) -> bool {
        if !lane.hears_a_head() {
            if self.since.take().is_some() {
                self.alarm.clear();
            }
            return false;
        }
        let since = *self.since.get_or_insert_with(timer::now);
        self.alarm.poll_at(cx, later(since, self.limit)).is_ready()
    }
}

//! What one rule does to one half of a connection.

use std::{sync::Arc, time::Duration};

use steadfast_model::proxy::ProxyFault;

use super::{pace::Pace, pieces::Pieces};
use crate::rule::Rule;

/// A rule about a half, with what it has done so far.
#[derive(Debug)]
pub(super) struct Duty {
    pub(super) rule: Arc<Rule>,
    /// Whether chance chose this connection.
    pub(super) chosen: bool,
    state: State,
}

#[derive(Debug)]
enum State {
    Delay,
    SlowClose,
    Hold,
    Silence,
    Pace(Pace),
    Pieces(Pieces),
    Limit { passed: u64 },
}

/// What may happen to bytes whose time has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// So many may leave.
    Pass(usize),
    /// None before this instant.
    Wait(u64),
    /// None at all: as many as may have left.
    Stop,
}

impl Duty {
    pub(super) fn new(rule: &Arc<Rule>, connection: u64) -> Self {
        let state = match &rule.told.fault {
            ProxyFault::TcpSlowClose { .. } => State::SlowClose,
            ProxyFault::TcpHold { .. } => State::Hold,
            ProxyFault::TcpTimeout { .. } | ProxyFault::TcpCut { .. } => State::Silence,
            ProxyFault::TcpBandwidth { rate, .. } => State::Pace(Pace::new(*rate)),
            ProxyFault::TcpSlice { .. } => State::Pieces(Pieces::default()),
            ProxyFault::TcpLimitData { .. } => State::Limit { passed: 0 },
            _ => State::Delay,
        };
        Self { rule: Arc::clone(rule), chosen: rule.chooses(connection, 0), state }
    }

    /// Goes on as the rule is now. What has passed so far counts.
    pub(super) fn follow(&mut self, rule: &Arc<Rule>, connection: u64) {
        if self.rule.version == rule.version {
            return;
        }
        let mut changed = Self::new(rule, connection);
        match (&self.state, &mut changed.state) {
            (State::Limit { passed: before }, State::Limit { passed }) => *passed = *before,
            // The piece that is leaving leaves whole.
            (State::Pieces(before), State::Pieces(pieces)) => *pieces = before.clone(),
            _ => {}
        }
        *self = changed;
    }

    /// Whether it holds back bytes by their number, so that it must be asked last.
    pub(super) fn paces(&self) -> bool {
        matches!(self.state, State::Pace(_))
    }

    /// Whether it swallows what could leave.
    pub(super) fn silences(&self) -> bool {
        matches!(self.state, State::Silence)
    }

    /// What may happen to `count` bytes that could leave since `since`. The chunk in front has `front` bytes left, and
    /// `piece` gives the size of the piece with that number.
    pub(super) fn step(
        &mut self,
        now: u64,
        since: u64,
        front: usize,
        count: usize,
        piece: impl FnOnce(&Rule, u64) -> usize,
    ) -> Step {
        let allowed = match &mut self.state {
            State::Delay | State::SlowClose | State::Silence => Ok(count),
            State::Hold => Err(u64::MAX),
            State::Pace(pace) => pace.allow(now, since, count),
            State::Pieces(pieces) => pieces.allow(now, front, |number| piece(&self.rule, number)),
            State::Limit { passed } => match limit(&self.rule).saturating_sub(*passed) {
                0 => return Step::Stop,
                left => Ok(usize::try_from(left).unwrap_or(usize::MAX)),
            },
        };
        match allowed {
            Ok(allowed) => Step::Pass(allowed.min(count)),
            Err(due) => Step::Wait(due),
        }
    }

    /// Notes that so many bytes have left, of a chunk in front that had `front` left. Whether they were the last.
    pub(super) fn left(&mut self, now: u64, count: usize, front: usize) -> bool {
        match &mut self.state {
            State::Delay | State::SlowClose | State::Hold | State::Silence => {}
            State::Pace(pace) => pace.left(count),
            State::Pieces(pieces) => {
                let pause = match &self.rule.told.fault {
                    ProxyFault::TcpSlice { pause, .. } => pause.std(),
                    _ => Duration::ZERO,
                };
                if pieces.left(now, count, front, pause) {
                    self.rule.hit();
                }
            }
            State::Limit { passed } => {
                *passed = passed.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
                let last = *passed >= limit(&self.rule);
                if last {
                    self.rule.hit();
                }
                return last;
            }
        }
        false
    }
}

/// How many bytes of a connection it lets pass.
fn limit(rule: &Rule) -> u64 {
    match &rule.told.fault {
        ProxyFault::TcpLimitData { limit, .. } => limit.bytes(),
        _ => u64::MAX,
    }
}

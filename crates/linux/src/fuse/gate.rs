//! Which operations are disturbed.

use std::{
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use fuser::Errno;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use steadfast_model::{
    Percent,
    files::{FileFault, FileOperation, FileRule},
};

/// The rule, and what it met.
#[derive(Debug)]
pub(super) struct Gate {
    rule: FileRule,
    seen: AtomicU64,
    hits: AtomicU64,
    state: Mutex<State>,
    disarmed: Condvar,
}

#[derive(Debug)]
struct State {
    armed: bool,
    chance: ChaCha8Rng,
}

/// What becomes of one operation.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ruling {
    Pass,
    Hold(Duration),
    Fail(Errno),
}

impl Gate {
    pub(super) fn new(rule: FileRule) -> Self {
        let state = State { armed: false, chance: ChaCha8Rng::seed_from_u64(rule.seed) };
        let (seen, hits) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { rule, seen, hits, state: Mutex::new(state), disarmed: Condvar::new() }
    }

    pub(super) fn arm(&self) {
        self.state().armed = true;
    }

    pub(super) fn disarm(&self) {
        self.state().armed = false;
        self.disarmed.notify_all();
    }

    pub(super) fn ruling(&self, operation: FileOperation) -> Ruling {
        if !self.rule.operations.contains(&operation) {
            return Ruling::Pass;
        }
        let mut state = self.state();
        if !state.armed {
            return Ruling::Pass;
        }
        self.seen.fetch_add(1, Ordering::Relaxed);
        let share = self.rule.percent;
        if share != Percent::ALL && state.chance.random::<f64>() >= share.fraction() {
            return Ruling::Pass;
        }
        self.hits.fetch_add(1, Ordering::Relaxed);
        match self.rule.fault {
            FileFault::Delay { latency } => Ruling::Hold(latency.std()),
            FileFault::Error { errno } => Ruling::Fail(Errno::from_i32(errno.number())),
        }
    }

    /// Until the time is over, or nothing is to be disturbed any more.
    pub(super) fn hold(&self, latency: Duration) {
        let held = self.disarmed.wait_timeout_while(self.state(), latency, |state| state.armed);
        drop(held);
    }

    /// Operations that the rule is for, and those that were disturbed.
    pub(super) fn counts(&self) -> (u64, u64) {
        // What was disturbed was seen before, so it is asked for first.
        let hits = self.hits.load(Ordering::SeqCst);
        (self.seen.load(Ordering::SeqCst), hits)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use steadfast_model::files::FileErrno;

    use super::*;

    fn gate(percent: &str) -> Gate {
        Gate::new(FileRule {
            operations: vec![FileOperation::Read, FileOperation::Fsync],
            fault: FileFault::Error { errno: FileErrno::Enospc },
            percent: percent.parse().unwrap(),
            seed: 7,
        })
    }

    #[test]
    fn only_what_the_rule_is_for_is_disturbed_and_only_while_it_is_armed() {
        let gate = gate("100%");
        let fails = |operation| matches!(gate.ruling(operation), Ruling::Fail(Errno::ENOSPC));
        assert!(!fails(FileOperation::Read));
        gate.arm();
        assert!(fails(FileOperation::Read) && fails(FileOperation::Fsync) && !fails(FileOperation::Write));
        gate.disarm();
        assert!(!fails(FileOperation::Read));
        assert_eq!(gate.counts(), (2, 2));
    }

    #[test]
    fn a_share_is_drawn_and_the_same_seed_draws_the_same() {
        let draw = || {
            let gate = gate("30%");
            gate.arm();
            let hit = |_| matches!(gate.ruling(FileOperation::Read), Ruling::Fail(_));
            let drawn: Vec<bool> = (0..20_000).map(hit).collect();
            assert_eq!(gate.counts().0, 20_000);
            drawn
        };
        let drawn = draw();
        // 99.99 % of all seeds.
        let hits = drawn.iter().filter(|hit| **hit).count();
        assert!((5_748..=6_252).contains(&hits), "{hits}");
        assert_eq!(drawn, draw());
    }

    #[test]
    fn what_is_held_is_let_go_when_the_rule_ends() {
        let gate = gate("100%");
        gate.arm();
        std::thread::scope(|scope| {
            let held = scope.spawn(|| gate.hold(Duration::from_secs(3_600)));
            gate.disarm();
            held.join().unwrap();
        });
    }
}

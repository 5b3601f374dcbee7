//! Time that tests move, and a history that may fail.

use async_trait::async_trait;
use steadfast_engine::{JournalError, driver::Journal};
use steadfast_model::{BootTime, Clock, Event, WallTime};
use tokio::time::Instant;

/// Time as the runtime has it, which tests move.
pub(super) struct TokioClock {
    pub(super) began: Instant,
    /// What somebody sets the wall clock to, in turn: by so many seconds away from the right time, anew each second.
    pub(super) set_wrong_by: Vec<i64>,
}

impl Clock for TokioClock {
    fn wall(&self) -> WallTime {
        let elapsed = self.began.elapsed();
        let right = i64::try_from(elapsed.as_micros()).unwrap();
        let turn = usize::try_from(elapsed.as_secs()).unwrap();
        let wrong_by = self.set_wrong_by.iter().cycle().nth(turn).copied().unwrap_or(0);
        WallTime(right + wrong_by * 1_000_000)
    }

    fn boot(&self) -> BootTime {
        BootTime(u64::try_from(self.began.elapsed().as_nanos()).unwrap())
    }

    fn boot_id(&self) -> String {
        "test".to_owned()
    }
}

/// What was appended, until it fails.
pub(super) struct Kept {
    pub(super) events: Vec<Event>,
    pub(super) fails_at: Option<u64>,
}

#[async_trait]
impl Journal for Kept {
    async fn append(&mut self, expected_sequence: u64, event: &Event) -> Result<(), JournalError> {
        assert_eq!(expected_sequence, event.sequence);
        if self.fails_at.is_some_and(|at| expected_sequence >= at) {
            return Err(JournalError("write the history: no space left on the device".to_owned()));
        }
        self.events.push(event.clone());
        Ok(())
    }
}

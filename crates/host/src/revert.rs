//! Undoing one injection, all of it, from its records.

use std::{sync::Arc, time::Duration};

use steadfast_ledger::{Ledger, Page, State, UndoRecord};
use steadfast_model::{BootTime, Clock};

use crate::{Timing, undo};

/// What came of undoing an injection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undone {
    /// Nothing is left; the file is closed.
    Entirely,
    /// Something is left that may heal, and the deadline is not there yet. The file stays.
    NotYet(Leftover),
    /// Something is left and was given up: a person must act. The file stays, and says so.
    Abandoned(Leftover),
}

/// What is left of a fault.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Leftover {
    /// What failed, in words.
    pub problems: Vec<String>,
    /// What a person could type.
    pub manual: Vec<String>,
}

/// How long to go on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Persistence {
    /// The pause after the first try; doubled after each.
    pub pause: Duration,
    /// What may heal is tried beyond the usual number of times until then.
    pub until: Option<BootTime>,
    /// Whether the lease is moved before every try: only its injector does that.
    pub renews: bool,
}

/// Pauses are doubled up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What undoing needs.
#[derive(Clone)]
pub(crate) struct Undoer {
    pub ledger: Ledger,
    pub clock: Arc<dyn Clock>,
    pub timing: Timing,
    /// Off only in tests of the tests: then nothing is carried out.
    pub carries_out: bool,
}

impl Undoer {
    /// Undoes everything a page records, newest first, and closes it.
    ///
    /// The undo itself never depends on the disk: a state that cannot be written is written by whoever looks next.
    pub(crate) async fn undo(&self, page: &mut Option<Box<Page>>, why: &str, how: Persistence) -> Undone {
        let Some(held) = page.as_mut() else { return Undone::Entirely };
        if held.account().state != State::Reverted {
            let before = held.account().state;
            if before != State::Reverting {
                write(held, State::Reverting, Some(why.to_owned()), vec![]);
            }
            if let Err((leftover, heals)) = self.try_all(held, how).await {
                if heals {
                    return Undone::NotYet(leftover);
                }
                let note = leftover.problems.join("; ");
                write(held, State::Abandoned, Some(note), leftover.manual.clone());
                return Undone::Abandoned(leftover);
            }
            write(held, State::Reverted, Some(why.to_owned()), vec![]);
        }
        if let Some(page) = page.take() {
            // Whoever looks next closes what could not be closed; it is undone either way.
            drop(page.close());
        }
        Undone::Entirely
    }

    /// The leftover, and whether it may heal before the deadline.
    async fn try_all(&self, page: &Page, how: Persistence) -> Result<(), (Leftover, bool)> {
        let account = page.account();
        let mut pending: Vec<&UndoRecord> = account.records.iter().rev().collect();
        let mut pause = how.pause;
        let mut tries = 0;
        loop {
            if how.renews {
                // When it cannot be moved, the reaper takes over a little earlier.
                drop(self.ledger.renew(account.injection, self.clock.boot().after(self.timing.lease)));
            }
            let (failed, problems) = self.try_each(pending).await;
            pending = failed;
            tries += 1;
            if pending.is_empty() {
                break;
            }
            let now = self.clock.boot();
            let heals =
                pending.iter().all(|record| record.known_verb().is_some_and(|verb| undo::may_heal(&verb)));
            let goes_on = heals && how.until.is_some_and(|until| now < until);
            let hopeless = pending.iter().all(|record| record.known_verb().is_none());
            if hopeless || (tries >= self.timing.undo_tries && !goes_on) {
                let before_deadline = account.deadline().is_some_and(|deadline| now < deadline);
                let manual = pending.iter().rev().map(|record| record.manual.clone()).collect();
                return Err((Leftover { problems, manual }, heals && before_deadline && how.until.is_none()));
            }
            let left = how.until.filter(|_| goes_on).map_or(pause, |until| until.since(now));
            tokio::time::sleep(pause.min(left)).await;
            pause = (pause * 2).min(LONGEST_PAUSE.max(how.pause));
        }
        if account.troubles.is_empty() {
            return Ok(());
        }
        let manual = vec![format!(
            "# look at {}, then: steadfast recover --forget {}",
            account.injection, account.injection
        )];
        Err((Leftover { problems: account.troubles.clone(), manual }, false))
    }

    async fn try_each<'a>(&self, records: Vec<&'a UndoRecord>) -> (Vec<&'a UndoRecord>, Vec<String>) {
        let (mut failed, mut problems) = (Vec::new(), Vec::new());
        for record in records {
            let result = match record.known_verb() {
                None => Err(format!("undo `{}`: this version does not know how", verb_name(record))),
                Some(_) if !self.carries_out => Ok(()),
                Some(verb) => undo::carry_out(&verb, &self.timing).await.map_err(|error| error.message),
            };
            if let Err(problem) = result {
                failed.push(record);
                problems.push(problem);
            }
        }
        (failed, problems)
    }
}

fn write(page: &mut Page, state: State, note: Option<String>, manual: Vec<String>) {
    drop(page.state(state, note, manual));
}

fn verb_name(record: &UndoRecord) -> String {
    let key = record.verb.as_object().and_then(|map| map.keys().next().cloned());
    key.unwrap_or_else(|| record.verb.to_string())
}

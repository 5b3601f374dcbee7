//! Where events go: the history, and a file when the history cannot be written.

use std::{
    fs::OpenOptions,
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use steadfast_model::{BootTime, Clock, Event, event::Known};

/// An append that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(5);

/// Keeps the events of one run.
#[async_trait]
pub trait Journal: Send {
    /// Adds an event; durable when this returns. `expected_sequence` is the event's place in the run.
    ///
    /// # Errors
    /// When it cannot be written durably, or the run's next event is another one.
    async fn append(&mut self, expected_sequence: u64, event: &Event) -> Result<(), JournalError>;
}

/// Why an event could not be kept. The message is a fragment after "failed to".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct JournalError(pub String);

/// Numbers events, gives them their time, keeps them and shows them.
pub(super) struct Chronicle<'a> {
    journal: &'a mut dyn Journal,
    spool: PathBuf,
    live: &'a mut (dyn FnMut(&Event) + Send),
    clock: Arc<dyn Clock>,
    began: BootTime,
    next: u64,
    /// Why the history is not written any more.
    broken: Option<String>,
    spooled: bool,
}

impl<'a> Chronicle<'a> {
    pub(super) fn new(
        journal: &'a mut dyn Journal,
        spool: &Path,
        live: &'a mut (dyn FnMut(&Event) + Send),
        clock: Arc<dyn Clock>,
    ) -> Self {
        let began = clock.boot();
        Self { journal, spool: spool.to_owned(), live, clock, began, next: 0, broken: None, spooled: false }
    }

    /// Whether the history is not written any more.
    pub(super) fn broken(&self) -> bool {
        self.broken.is_some()
    }

    /// The file that holds what the history does not, if there is one.
    pub(super) fn spooled(&self) -> Option<PathBuf> {
        self.spooled.then(|| self.spool.clone())
    }

    /// Keeps an event.
    ///
    /// # Errors
    /// Says why once, when the history cannot be written; the event is then in the spool file, and so is all that
    /// follows. Only a conclusion is not: it must become another one.
    pub(super) async fn record(&mut self, known: Known) -> Result<(), String> {
        let event = Event {
            sequence: self.next,
            at: self.clock.wall(),
            since_start: u64::try_from(self.clock.boot().since(self.began).as_nanos()).unwrap_or(u64::MAX),
            body: known.into(),
        };
        let mut result = Ok(());
        if self.broken.is_none() {
            let appended = tokio::time::timeout(PATIENCE, self.journal.append(self.next, &event)).await;
            let why = match appended {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(error.to_string()),
                Err(_) => Some(format!("it did not answer within {} s", PATIENCE.as_secs())),
            };
            if let Some(why) = why {
                self.broken = Some(why.clone());
                result = Err(why);
                if matches!(event.body.known(), Some(Known::Concluded(_))) {
                    return result;
                }
            }
        }
        if self.broken.is_some() {
            // When even this fails there is nowhere left to write; the run still ends and says so.
            self.spooled |= append_line(&self.spool, &event).is_ok();
        }
        self.next += 1;
        (self.live)(&event);
        result
    }
}

fn append_line(path: &Path, event: &Event) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut line = serde_json::to_vec(event)?;
    line.push(b'\n');
    let mut file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
    file.write_all(&line)?;
    file.sync_data()
}

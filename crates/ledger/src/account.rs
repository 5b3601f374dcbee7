//! What one injection's file says, and everything in it that cannot be understood.

use std::collections::BTreeSet;

use steadfast_model::{BootTime, InjectionId, ProcessIdentity};

use crate::{
    entry::{Body, Entry, FORMAT, Opening, State, StateLine, UndoRecord},
    line,
};

/// One injection as its file tells it.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    /// The injection, from the file's name.
    pub injection: InjectionId,
    /// The first line.
    pub opening: Option<Opening>,
    /// The last line that could be read: who injects, and until when.
    pub last: Option<Entry>,
    /// The ways back, in the order the changes were made.
    pub records: Vec<UndoRecord>,
    /// Where it stands.
    pub state: State,
    /// Whether it ever was in place: then a repeated order has succeeded.
    pub became_active: bool,
    /// What the last change of state had to say.
    pub note: Option<String>,
    /// What a person could type, once given up.
    pub manual: Vec<String>,
    /// Damaged and foreign lines, in words. Any of them means that something may be left behind.
    pub troubles: Vec<String>,
    /// Bytes of complete lines. What follows was cut short by a crash and never counted.
    pub durable_bytes: usize,
}

impl Account {
    /// Reads the bytes of a file. Never fails: what it does not understand becomes [`Account::troubles`].
    #[must_use]
    pub fn read(injection: InjectionId, bytes: &[u8]) -> Self {
        let (lines, durable_bytes) = line::complete_lines(bytes);
        let mut account = Self {
            injection,
            opening: None,
            last: None,
            records: Vec::new(),
            state: State::Opened,
            became_active: false,
            note: None,
            manual: Vec::new(),
            troubles: Vec::new(),
            durable_bytes,
        };
        for (index, text) in lines.iter().enumerate() {
            account.take(index, text);
        }
        if account.opening.is_none() {
            account.troubles.push("there is no first line that says what was done".to_owned());
        }
        account
    }

    /// The process that injects, if any line tells.
    #[must_use]
    pub fn injector(&self) -> Option<&ProcessIdentity> {
        self.last.as_ref().map(|entry| &entry.injector)
    }

    /// The instant by which the fault is gone, if any line tells.
    #[must_use]
    pub fn deadline(&self) -> Option<BootTime> {
        self.last.as_ref().map(|entry| entry.deadline)
    }

    /// Whether it was made during another boot, so that its processes are long gone.
    #[must_use]
    pub fn is_from_another_boot(&self, boot_id: &str) -> bool {
        self.last.as_ref().is_some_and(|entry| entry.boot_id != boot_id)
    }

    /// What it holds against other injections.
    #[must_use]
    pub fn keys(&self) -> BTreeSet<&str> {
        let opened = self.opening.iter().flat_map(|opening| &opening.keys);
        opened.chain(self.records.iter().flat_map(|record| &record.keys)).map(String::as_str).collect()
    }

    pub(crate) fn change_state(&mut self, line: StateLine) {
        self.state = line.state;
        self.became_active |= line.state == State::Active;
        (self.note, self.manual) = (line.note, line.manual);
    }

    fn take(&mut self, index: usize, text: &[u8]) {
        let number = index + 1;
        let Some(entry) = line::decode(text).and_then(|json| serde_json::from_slice::<Entry>(json).ok())
        else {
            self.troubles.push(format!("line {number} is damaged"));
            return;
        };
        if entry.format != FORMAT {
            self.troubles
                .push(format!("line {number} has format {}, this version knows {FORMAT}", entry.format));
            return;
        }
        if entry.injection != self.injection {
            self.troubles.push(format!("line {number} belongs to injection {}", entry.injection));
            return;
        }
        if entry.sequence != index as u64 {
            self.troubles
                .push(format!("line {number} carries the number {}: lines are missing", entry.sequence));
        }
        match Body::decode(&entry.body) {
            Some(Body::Opened(opening)) if index == 0 => self.opening = Some(*opening),
            Some(Body::Opened(_)) => self.troubles.push(format!("line {number} begins a second time")),
            Some(Body::Undo(record)) => self.records.push(record),
            Some(Body::State(line)) => self.change_state(line),
            None => self.troubles.push(format!("line {number} says something this version does not know")),
        }
        self.last = Some(entry);
    }
}

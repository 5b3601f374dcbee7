//! What every probe can do.

use async_trait::async_trait;
use steadfast_model::{Problems, sample::Increment};

use crate::world::World;

/// One way to observe. The fields of the struct are the document.
pub trait Probe: Send + Sync {
    /// All problems with these parameters, not just the first. No IO.
    fn check(&self, problems: &mut Problems);

    /// What counts as an event, what as a bad one, and where it is read: one line for people.
    fn describe(&self) -> String;

    /// Begins to watch.
    fn watch(&self) -> Box<dyn Watch>;
}

/// A probe at work. It remembers what it saw last.
#[async_trait]
pub trait Watch: Send {
    /// What happened since the last look. The first look only remembers and counts nothing.
    ///
    /// # Errors
    /// When this interval cannot be counted: it becomes a gap.
    async fn look(&mut self, world: &dyn World) -> Result<Counted, ProbeError>;
}

/// What a look counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counted {
    /// The events since the last look.
    pub increment: Increment,
    /// Something odd about them, such as a counter that was reset.
    pub note: Option<String>,
    /// The increment also counts what happened before the last look that could not count: part of it may be older than
    /// one interval.
    pub spans_gap: bool,
}

/// Why a look counted nothing. Messages are fragments after "failed to".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {cause}")]
pub struct ProbeError {
    /// What was tried.
    pub what: String,
    /// Why it did not work.
    pub cause: String,
    /// What to try.
    pub hint: Option<String>,
    /// Whether this machine could not even try, so that it says nothing about who was to be asked. A probe that counts
    /// missing answers as bad must not count this one.
    pub ours: bool,
}
